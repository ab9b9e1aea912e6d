"""Early stopping: which candidates are ended at a rung. `docs/evidence.md` has the evidence.

A rung is an epoch after which a candidate is judged, by what all workers have recorded there until
then; nobody waits. Size is an objective that never changes, so a rule has to compare a candidate
with others of its size: a tiny net that is good for its size loses to every large one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, inf, log, pow
from typing import Protocol

from nas.errors import ConfigError, unknown
from nas.records import Point

FEW = 5  # finished candidates, before their gains say how far another can come


class Rule(Protocol):
    """Whether a candidate goes on."""

    def stops(self, one: Point, others: Sequence[Point]) -> str:
        """Why `one` ends, given the `others` that have come to this rung; or an empty string."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Only the best of similar size go on: the top `keep` of itself and its `nearest` others in
    the logarithm of parameters. With fewer than `least` others there it goes on.

    Successive halving as in ASHA's stopping variant (Li et al., 2020), with the rung's ranking
    taken among neighbours in size.
    """

    keep: float = 1 / 3
    nearest: int = 8
    least: int = 4

    def stops(self, one: Point, others: Sequence[Point]) -> str:
        if len(others) < self.least:
            return ""
        near = sorted(others, key=lambda other: abs(log(other.params / one.params)))[: self.nearest]
        place = 1 + sum(other.accuracy > one.accuracy for other in near)
        room = max(1, int(self.keep * (len(near) + 1) + 1e-9))
        if place <= room:
            return ""
        low, high = min(o.params for o in near), max(o.params for o in near)
        return (
            f"number {place} of {len(near) + 1} of similar size ({low:,} to {high:,} parameters), "
            f"of which {room} go on"
        )


@dataclass(frozen=True, slots=True)
class NearFront:
    """Only those near the rung's own front go on: whose error is at most `factor` times what the
    best other would have at this size. No larger ones would have their error; a larger one would
    have its error times the ratio of sizes to the power of `slope`, which is far more than nets
    lose by shrinking until they are of no use. With fewer than `least` others it goes on."""

    factor: float = 1.2
    slope: float = 2.0
    least: int = 4

    def stops(self, one: Point, others: Sequence[Point]) -> str:
        if len(others) < self.least:
            return ""

        def here(other: Point) -> float:
            return other.error * pow(max(1.0, other.params / one.params), self.slope)

        best = min(others, key=lambda other: (here(other), other.params))
        if one.error <= self.factor * here(best):
            return ""
        scaled = f", which is {here(best):.2f} % at this size" if best.params > one.params else ""
        return (
            f"its error is more than {self.factor:g} times the {best.error:.2f} % of a net with "
            f"{best.params:,} parameters{scaled}"
        )


@dataclass(frozen=True, slots=True)
class Asha:
    """The best `keep` of all at the rung by accuracy alone: ASHA (Li et al., 2020)."""

    keep: float = 1 / 3

    def stops(self, one: Point, others: Sequence[Point]) -> str:
        place = 1 + sum(other.accuracy > one.accuracy for other in others)
        room = max(1, ceil(self.keep * (len(others) + 1)))
        return (
            "" if place <= room else f"number {place} of {len(others) + 1}, of which {room} go on"
        )


@dataclass(frozen=True, slots=True)
class MoAsha:
    """The best `keep` of all at the rung by non-dominated sorting, and within a layer by the
    distance to those already ranked (epsilon-net): MO-ASHA (Schmucker et al., 2021)."""

    keep: float = 1 / 3

    def stops(self, one: Point, others: Sequence[Point]) -> str:
        everyone = [one, *others]
        room = max(1, ceil(self.keep * len(everyone)))
        left = list(range(len(everyone)))
        ranked = 0
        while left:
            layer = _non_dominated(everyone, left)
            if 0 in layer:
                place = (
                    ranked + 1 + _spread_order([everyone[i] for i in layer]).index(layer.index(0))
                )
                if place <= room:
                    return ""
                return f"number {place} of {len(everyone)} by non-dominated sorting, {room} go on"
            ranked += len(layer)
            left = [index for index in left if index not in set(layer)]
        raise AssertionError("every candidate is in a layer")


def _non_dominated(points: Sequence[Point], among: Sequence[int]) -> list[int]:
    best = -inf
    layer = []
    for index in sorted(among, key=lambda i: (points[i].params, -points[i].accuracy, i)):
        if points[index].accuracy > best:
            best = points[index].accuracy
            layer.append(index)
    return layer


def _spread_order(points: Sequence[Point]) -> list[int]:
    """The order that always takes the one farthest from those taken, the most accurate first."""
    places = [(log(p.params), log(p.error)) for p in points]
    first = max(range(len(points)), key=lambda i: points[i].accuracy)
    order = [first]
    distance = [_apart(places[first], place) for place in places]
    while len(order) < len(points):
        chosen = max((i for i in range(len(points)) if i not in order), key=lambda i: distance[i])
        order.append(chosen)
        distance = [
            min(d, _apart(places[chosen], p)) for d, p in zip(distance, places, strict=True)
        ]
    return order


def _apart(one: tuple[float, float], other: tuple[float, float]) -> float:
    return (one[0] - other[0]) ** 2 + (one[1] - other[1]) ** 2


@dataclass(frozen=True, slots=True)
class Nobody:
    """Everybody goes on."""

    def stops(self, one: Point, others: Sequence[Point]) -> str:  # noqa: ARG002
        return ""


RULES: dict[str, Callable[[], Rule]] = {
    "front": NearFront,
    "neighbours": Neighbours,
    "asha": Asha,
    "mo-asha": MoAsha,
    "none": Nobody,
}


def rule(name: str) -> Rule:
    """The rule called `name`; raises `ConfigError`, listing the known ones."""
    if name not in RULES:
        raise ConfigError(unknown("early stopping", name, RULES))
    return RULES[name]()


def rungs(epochs: int) -> tuple[int, ...]:
    """The epochs after which a candidate is judged: where `restarts` has annealed the learning rate
    to zero, and where the average of the weights tells as much under one cycle."""
    return () if epochs == 1 else (1,) if epochs < 8 else (1, 4)


def out_of_reach(one: Point, finished: Sequence[tuple[Point, float]], target: float) -> str:
    """Why `one` cannot come to `target` percent, or an empty string.

    `finished` are others with their points at this rung and their accuracies in the end. It cannot
    if its error would stay above the target's even if it shrank as much as the best of theirs.
    """
    if len(finished) < FEW:
        return ""
    gain = min(Point(point.params, end).error / point.error for point, end in finished)
    reach = 100 - one.error * gain
    if reach >= target:
        return ""
    return f"it would come to {reach:.2f} % with the largest gain so far, less than {target:g} %"
