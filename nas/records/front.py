"""The Pareto front of accuracy against parameters, and the hypervolume below it."""

from collections.abc import Iterable
from math import log

from nas.records.record import Record, State


def pareto_front(records: Iterable[Record]) -> list[Record]:
    """The trained records that no other beats, by rising parameters and so by rising accuracy.

    A record is beaten by one with no more parameters and no less accuracy that is better in one
    of them. Of two that are equal in both, the earlier stays.
    """
    trained = [record for record in records if record.state is State.TRAINED]
    trained.sort(key=lambda record: (_params(record), -_accuracy(record), record.number))
    front: list[Record] = []
    for record in trained:
        if not front or _accuracy(record) > _accuracy(front[-1]):
            front.append(record)
    return front


def hypervolume(
    records: Iterable[Record], budget: int, least_accuracy: float, fewest_params: int = 100
) -> float:
    """The share of the box of interest that the front dominates, from 0 to 1.

    The box runs from `fewest_params` to `budget` in the logarithm of parameters, and from
    `least_accuracy` to 100 in accuracy.
    """
    area, best = 0.0, least_accuracy
    for record in pareto_front(records):
        gain = _accuracy(record) - best
        params = max(_params(record), fewest_params)
        if gain > 0 and params < budget:
            area += gain * log(budget / params)
            best = _accuracy(record)
    return area / ((100 - least_accuracy) * log(budget / fewest_params))


def _params(record: Record) -> int:
    assert record.params is not None, f"trial {record.number} is trained and has no parameter count"
    return record.params


def _accuracy(record: Record) -> float:
    assert record.accuracy is not None, f"trial {record.number} is trained and has no accuracy"
    return record.accuracy
