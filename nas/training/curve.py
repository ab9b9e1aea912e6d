"""The learning curve of a candidate: values only, no torch."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Epoch:
    """What one epoch of training came to. Accuracies in percent, losses are mean cross-entropy."""

    number: int  # from 1
    train_loss: float
    train_accuracy: float
    loss: float | None  # on the held-out images; None if they were not looked at
    accuracy: float | None  # on the held-out images; None if they were not looked at
    seconds: float
