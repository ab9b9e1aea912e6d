"""Early stopping rules. `docs/evidence.md` compares them.

A rung is an epoch after which a candidate is compared with the results that all workers have
recorded there so far. Rules are asynchronous: no worker waits for another. Size is an objective, so
a rule should compare candidates of similar size: on accuracy alone a small network loses to every
large one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, log, pow
from typing import Protocol

from nas.errors import ConfigError, unknown
from nas.records import Point, non_dominated

MIN_FINISHED = 5  # finished candidates that `out_of_reach` needs


class Rule(Protocol):
    """An early stopping rule."""

    def stops(self, one: Point, others: Sequence[Point]) -> str:
        """Reason to stop `one`, given the `others` that reached this rung; empty to continue."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Keep the top `keep` share by accuracy among the `nearest` candidates in log parameters.

    A candidate continues while fewer than `min_others` others have reached the rung. This is the
    stopping variant of ASHA (Li et al., 2020), ranked among neighbours in size.
    """

    keep: float = 1 / 3
    nearest: int = 8
    min_others: int = 4

    def stops(self, one: Point, others: Sequence[Point]) -> str:
        if len(others) < self.min_others:
            return ""
        near = sorted(others, key=lambda other: abs(log(other.params / one.params)))[: self.nearest]
        rank = 1 + sum(other.accuracy > one.accuracy for other in near)
        kept = max(1, int(self.keep * (len(near) + 1) + 1e-9))
        if rank <= kept:
            return ""
        low, high = min(o.params for o in near), max(o.params for o in near)
        return (
            f"rank {rank} of {len(near) + 1} of similar size ({low:,} to {high:,} parameters), "
            f"of which {kept} continue"
        )


@dataclass(frozen=True, slots=True)
class NearFront:
    """Keep candidates near the rung's front.

    A candidate continues if its error is at most `factor` times the lowest error that any other
    would have at its size. A smaller or equal network counts with its own error; a larger one with
    its error times (size ratio) ** `slope`, a pessimistic estimate of the loss from shrinking.
    A candidate continues while fewer than `min_others` others have reached the rung.
    """

    factor: float = 1.2
    slope: float = 2.0
    min_others: int = 4

    def stops(self, one: Point, others: Sequence[Point]) -> str:
        if len(others) < self.min_others:
            return ""

        def scaled(other: Point) -> float:
            return other.error * pow(max(1.0, other.params / one.params), self.slope)

        best = min(others, key=lambda other: (scaled(other), other.params))
        if one.error <= self.factor * scaled(best):
            return ""
        at_this_size = (
            f", which is {scaled(best):.2f} % at this size" if best.params > one.params else ""
        )
        return (
            f"its error is more than {self.factor:g} times the {best.error:.2f} % of a net with "
            f"{best.params:,} parameters{at_this_size}"
        )


@dataclass(frozen=True, slots=True)
class Asha:
    """Keep the top `keep` share of all at the rung by accuracy: ASHA (Li et al., 2020)."""

    keep: float = 1 / 3

    def stops(self, one: Point, others: Sequence[Point]) -> str:
        rank = 1 + sum(other.accuracy > one.accuracy for other in others)
        kept = max(1, ceil(self.keep * (len(others) + 1)))
        return "" if rank <= kept else f"rank {rank} of {len(others) + 1}, of which {kept} continue"


@dataclass(frozen=True, slots=True)
class MoAsha:
    """Keep the top `keep` share of all at the rung by non-dominated sorting.

    Within a front, candidates are ranked by an epsilon-net: MO-ASHA (Schmucker et al., 2021).
    """

    keep: float = 1 / 3

    def stops(self, one: Point, others: Sequence[Point]) -> str:
        everyone = [one, *others]
        kept = max(1, ceil(self.keep * len(everyone)))
        left = list(range(len(everyone)))
        ranked = 0
        while left:
            front = non_dominated(left, everyone.__getitem__)
            if 0 in front:
                rank = ranked + 1 + _epsilon_net([everyone[i] for i in front]).index(front.index(0))
                if rank <= kept:
                    return ""
                return f"rank {rank} of {len(everyone)} by non-dominated sorting, {kept} continue"
            ranked += len(front)
            left = [index for index in left if index not in set(front)]
        raise AssertionError("every candidate is in a front")


def _epsilon_net(points: Sequence[Point]) -> list[int]:
    """Indices in farthest-first order, starting from the most accurate point."""
    places = [(log(p.params), log(p.error)) for p in points]
    first = max(range(len(points)), key=lambda i: points[i].accuracy)
    order = [first]
    distance = [_distance(places[first], place) for place in places]
    while len(order) < len(points):
        chosen = max((i for i in range(len(points)) if i not in order), key=lambda i: distance[i])
        order.append(chosen)
        distance = [
            min(d, _distance(places[chosen], p)) for d, p in zip(distance, places, strict=True)
        ]
    return order


def _distance(one: tuple[float, float], other: tuple[float, float]) -> float:
    return (one[0] - other[0]) ** 2 + (one[1] - other[1]) ** 2


@dataclass(frozen=True, slots=True)
class NoStopping:
    """Never stop a candidate."""

    def stops(self, one: Point, others: Sequence[Point]) -> str:  # noqa: ARG002
        return ""


RULES: dict[str, Callable[[], Rule]] = {
    "front": NearFront,
    "neighbours": Neighbours,
    "asha": Asha,
    "mo-asha": MoAsha,
    "none": NoStopping,
}


def rule(name: str) -> Rule:
    """The rule called `name`; raises `ConfigError` for an unknown name."""
    if name not in RULES:
        raise ConfigError(unknown("early stopping", name, RULES))
    return RULES[name]()


def rungs(epochs: int) -> tuple[int, ...]:
    """Epochs after which candidates are compared.

    The schedule `restarts` has annealed the learning rate to zero there; with one cycle the
    averaged weights are as informative.
    """
    return () if epochs == 1 else (1,) if epochs < 8 else (1, 4)


def out_of_reach(one: Point, finished: Sequence[tuple[Point, float]], target: float) -> str:
    """Reason why `one` cannot reach `target` percent accuracy; empty to continue.

    `finished` has the point at this rung and the final accuracy of other candidates. The estimate
    for `one` is its error times the smallest ratio of final error to error at this rung.
    """
    if len(finished) < MIN_FINISHED:
        return ""
    gain = min(Point(point.params, final).error / point.error for point, final in finished)
    reach = 100 - one.error * gain
    if reach >= target:
        return ""
    return f"it would reach {reach:.2f} % with the largest gain so far, less than {target:g} %"
