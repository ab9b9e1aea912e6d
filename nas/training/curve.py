"""Learning curve of a candidate. Imports no torch."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Epoch:
    """Results of one epoch. Accuracies are in percent, losses are mean cross-entropy."""

    number: int  # from 1
    train_loss: float
    train_accuracy: float
    loss: float | None  # on the held-out images; None if not measured
    accuracy: float | None  # on the held-out images; None if not measured
    seconds: float
