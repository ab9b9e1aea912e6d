"""The `evolution` sampler: mutate networks that are good for their size, train the best child.

Regularised evolution (Real et al., 2019) mutates good parents. Predictor-guided search (BANANAS,
White et al., 2021) screens children with a model of what has been trained. Here parents are members
of the front, chosen evenly over sizes. The model (`predictor`) learns from every candidate,
including those that were stopped early. A child is ranked by how far its predicted error is below
that of the front at its own size, among children of about that size. Until `ENDED` candidates have
trained to the end, front and model are those of the first rung. Children that are over the budget,
impossible or known never become a trial.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp, log
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.trial import FrozenTrial, TrialState

from nas.architecture import Architecture, Task
from nas.errors import ArchitectureError
from nas.pruning import gate
from nas.records import Point, non_dominated, trials
from nas.records.ledger import TrialUpdates
from nas.sampling.features import features
from nas.sampling.mutation import Draft, contains
from nas.sampling.predictor import Example, Predictor
from nas.spaces import Space

FIRST = 10  # known candidates before parents are taken from the front
CHILDREN = 48  # made for one draw
SPAN = 40  # sizes are drawn from budget / SPAN to the budget
NEAR = 1 / 9  # of the range of log sizes: how far a child may be from the size drawn
STRANGERS = 0.3  # share of children that are random
FEW_CHILDREN = 4  # made for one draw where they are not ranked
ATTEMPTS = 4  # draws for each child wanted
AT_RANDOM = 0.1  # share of draws that are random, so that every region can be reached
MUTATIONS = 2.0  # parameters of a parent that change, on average
MODEL_FROM = 20  # known candidates before the model is fitted
REFIT = 0.05  # growth of the data after which the model is fitted again
ENDED = 10  # candidates trained to the end before their final accuracies count


@dataclass(frozen=True, slots=True)
class Seen:
    """A candidate that has trained at least to the first rung."""

    first: Point  # at the first rung
    last: Point | None  # after the last epoch, if it got there
    sampled: Mapping[str, Any]
    features: list[float]


Child = tuple[Draft, Architecture]


class EvolutionSampler(BaseSampler):
    """See the module. Samples parameter by parameter, so the space may be conditional."""

    def __init__(self, seed: int, space: Space, task: Task) -> None:
        self._random = np.random.default_rng(seed)
        self._fallback = RandomSampler(seed)
        self._space, self._task = space, task
        self._updates = TrialUpdates()
        self._seen: dict[int, Seen] = {}  # by the trial's number
        self._hashes: dict[int, str] = {}
        self._predictor: Predictor | None = None
        self._fitted_on = 0  # examples the predictor was fitted on
        self._plan: tuple[int, Mapping[str, Any]] = (-1, {})  # a trial's number, its parameters

    def infer_relative_search_space(self, *_: object) -> dict[str, BaseDistribution]:
        return {}  # in a conditional space no parameter is common to all candidates

    def sample_relative(self, *_: object) -> dict[str, Any]:
        return {}

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        if self._plan[0] != trial.number:
            self._plan = (trial.number, self._propose(study))
        plan = self._plan[1]
        if param_name in plan and contains(param_distribution, plan[param_name]):
            return plan[param_name]
        return self._fallback.sample_independent(study, trial, param_name, param_distribution)

    def _propose(self, study: optuna.Study) -> Mapping[str, Any]:
        """The parameters of the next candidate; empty for a random one."""
        self._look(study)
        seen = list(self._seen.values())
        if len(seen) < FIRST:
            return self._first_new(self._children(seen, FEW_CHILDREN, self._size()))
        if self._random.random() < AT_RANDOM:
            return self._first_new(self._children([], FEW_CHILDREN, self._size()))
        children = self._children(seen, CHILDREN, self._size())
        return self._first_new(self._ranked(children, seen))

    def _size(self) -> float:
        """A random size up to the budget, uniform in the logarithm."""
        low, high = self._range()
        return exp(low + self._random.random() * (high - low))

    def _range(self) -> tuple[float, float]:
        """The logarithms of the smallest and the largest size to draw."""
        limits = self._task.limits
        return log(max(limits.min_params, limits.params / SPAN, 1)), log(limits.params)

    def _look(self, study: optuna.Study) -> None:
        """Read what has been recorded since the last call."""
        for trial in self._updates.poll(study):
            number = trial.number
            if "hash" not in trial.user_attrs:
                continue
            self._hashes[number] = trial.user_attrs["hash"]
            last = float(trial.values[0]) if trial.state is TrialState.COMPLETE else None
            first = trial.user_attrs.get(trials.rung(1), last)
            if trial.state is TrialState.FAIL:
                self._seen.pop(number, None)
            elif first is not None and number not in self._seen:
                net = Architecture.from_json(trial.system_attrs[trials.ARCHITECTURE])
                point = Point(net.params, first)
                self._seen[number] = Seen(point, None, trial.params, features(net).vector())
            if last is not None:
                seen = self._seen[number]
                self._seen[number] = replace(seen, last=Point(seen.first.params, last))

    def _children(self, seen: Sequence[Seen], wanted: int, size: float) -> list[Child]:
        """Up to `wanted` candidates near `size` and within the limits; if none is near, others.

        They are mutated members of the front of `seen`, and random ones. Only candidates of similar
        size are compared: over a wider range the model prefers the smaller ones.
        """
        front = [one for _, one in _front(seen)]
        low, high = self._range()
        near: list[Child] = []
        others: list[Child] = []
        for _ in range(ATTEMPTS * wanted):
            parent: Mapping[str, Any] = {}
            if front and self._random.random() >= STRANGERS:
                parent = self._parent(front, size).sampled
            rate = MUTATIONS / max(MUTATIONS, len(parent))
            draft = Draft(parent, rate, self._random)
            try:
                net = self._space.sample(draft, self._task)
            except ArchitectureError:
                continue
            limits = self._task.limits
            if gate.excess(net, limits) or gate.shortfall(net, limits):
                continue
            is_near = abs(log(net.params / size)) <= NEAR * (high - low)
            (near if is_near else others).append((draft, net))
            if len(near) == wanted:
                break
        return near or others[:wanted]

    def _parent(self, front: Sequence[Seen], size: float) -> Seen:
        """One of the two members of the front nearest to `size`."""
        near = sorted(front, key=lambda seen: abs(log(seen.first.params / size)))[:2]
        return near[self._random.integers(len(near))]

    def _first_new(self, children: Sequence[Child]) -> Mapping[str, Any]:
        """The parameters of the first child that is new to the study; empty if there is none."""
        known = set(self._hashes.values())
        return next((draft.params for draft, net in children if net.hash not in known), {})

    def _ranked(self, children: Sequence[Child], seen: Sequence[Seen]) -> Sequence[Child]:
        """The children by how far the model predicts them to be ahead of the front."""
        self._learn(seen)
        if self._predictor is None or not children:
            return children
        vectors = [features(net).vector() for _, net in children]
        expected = self._predictor.predict(vectors, self._random)
        front = [point for point, _ in _front(seen)]
        lead = [
            _reference(front, net.params) - value
            for (_, net), value in zip(children, expected, strict=True)
        ]
        return [children[index] for index in np.argsort(lead)[::-1]]

    def _learn(self, seen: Sequence[Seen]) -> None:
        """Fit the model again if there are enough new data."""
        known, late = len(seen) + sum(one.last is not None for one in seen), _late(seen)
        if len(seen) < MODEL_FROM:
            return
        old = self._predictor
        if old and old.late == late and known < (1 + REFIT) * self._fitted_on:
            return
        examples = [
            Example(one.features, log(one.first.error), log(one.last.error) if one.last else None)
            for one in seen
        ]
        seed = int(self._random.integers(2**31))
        self._predictor, self._fitted_on = Predictor(examples, late, seed), known


def _late(seen: Sequence[Seen]) -> bool:
    """Whether enough of `seen` have trained to the end for final accuracies to count."""
    return sum(one.last is not None for one in seen) >= ENDED


def _front(seen: Sequence[Seen]) -> list[tuple[Point, Seen]]:
    """The front of `seen` with each member's point, the smallest first: after the last epoch, or at
    the first rung while too few have trained to the end."""
    late = _late(seen)
    points = [(point, one) for one in seen if (point := one.last if late else one.first)]
    return non_dominated(points, lambda pair: pair[0])


def _reference(front: Sequence[Point], params: int) -> float:
    """The log error that a candidate of this size has to beat.

    Below the smallest member of the front it follows a line of slope -1: half the parameters, about
    twice the error.
    """
    smaller = [point for point in front if point.params <= params]
    if smaller:
        return log(smaller[-1].error)
    return log(front[0].error) + log(front[0].params / params)
