"""Learning rate and averaging rate of every training step."""

from collections.abc import Sequence
from math import cos, pi


def learning_rates(
    peak: float, warmup: float, cycles: Sequence[int], steps_per_epoch: int
) -> list[float]:
    """The learning rate of every step. `cycles` are the epochs of each cycle.

    In each cycle it rises linearly from a tenth of `peak` for a share `warmup` of the steps, then
    falls to zero along half a cosine.
    """
    rates = []
    for epochs in cycles:
        steps = epochs * steps_per_epoch
        rise = int(warmup * steps)
        fall = steps - rise
        rates += [peak * (0.1 + 0.9 * step / rise) for step in range(rise)]
        rates += [peak * (1 + cos(pi * step / fall)) / 2 for step in range(1, fall + 1)]
    return rates


def averaging_rates(average: float, epochs: int, steps_per_epoch: int) -> list[float]:
    """The rate of the weights' moving average at every step, for a window of `average` epochs.

    Early rates are higher, so that the window never exceeds about a ninth of the steps so far.
    """
    steps = range(1, epochs * steps_per_epoch + 1)
    return [max(min(1.0, 1 / (average * steps_per_epoch)), 9 / (9 + step)) for step in steps]
