"""The Pareto front of accuracy against parameters, and its hypervolume."""

from collections.abc import Callable, Iterable
from math import inf, log
from typing import TypeVar

from nas.records.point import Point
from nas.records.record import Record, State

T = TypeVar("T")


def non_dominated(items: Iterable[T], point: Callable[[T], Point]) -> list[T]:
    """The items that no other dominates, by rising parameters and so by rising accuracy.

    `point` gives an item's size and accuracy. An item is dominated by one with no more parameters
    and no less accuracy that is better in one of them. Of equal items the first stays.
    """
    best, found = -inf, []
    for item in sorted(items, key=lambda item: (point(item).params, -point(item).accuracy)):
        if point(item).accuracy > best:
            best = point(item).accuracy
            found.append(item)
    return found


def pareto_front(records: Iterable[Record]) -> list[Record]:
    """The front of the trained `records`; of equal ones the earliest trial stays."""
    trained = [record for record in records if record.state is State.TRAINED]
    trained.sort(key=lambda record: record.number)
    return non_dominated(trained, lambda record: record.point)


def hypervolume(
    records: Iterable[Record], budget: int, least_accuracy: float, fewest_params: int = 100
) -> float:
    """The share of the box of interest that the front of `records` dominates, from 0 to 1.

    The box runs from `fewest_params` to `budget` in the logarithm of parameters, and from
    `least_accuracy` to 100 in accuracy.
    """
    area, best = 0.0, least_accuracy
    for point in (record.point for record in pareto_front(records)):
        if point.accuracy > best and point.params < budget:
            area += (point.accuracy - best) * log(budget / max(point.params, fewest_params))
            best = point.accuracy
    return area / ((100 - least_accuracy) * log(budget / fewest_params))
