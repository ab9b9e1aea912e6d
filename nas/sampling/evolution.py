"""Our own sampler: mutate what is good for its size, and train the best-looking of many children.

Regularised evolution (Real et al., 2019) mutates good parents; predictor-guided search (BANANAS,
White et al., 2021) screens children with a model of what has been trained. Here the parents are
the members of the front, chosen evenly over sizes; the model learns from everybody, those that
were stopped early included (`predictor`); and a child is measured by how far it would be in front
of the front at its own size, against others of about that size. Until a few have been trained to
the end, front and model are those of the first rung. Children that are over the budget, impossible,
known or of another size never become a trial.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp, inf, log
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.trial import FrozenTrial, TrialState

from nas.architecture import Architecture, Task
from nas.errors import ArchitectureError
from nas.pruning import gate
from nas.records import Point, trials
from nas.records.ledger import News
from nas.sampling.features import features
from nas.sampling.mutation import Draft, contains
from nas.sampling.predictor import Example, Predictor
from nas.spaces import Space

FIRST = 10  # candidates that are known before a front is worth mutating
CHILDREN = 48  # that are made for one draw
SPAN = 40  # sizes that are looked at: from this part of the budget to all of it
NEAR = 1 / 9  # of the range of sizes: how far a child may be from the one that is looked for
STRANGERS = 0.3  # share of children that are random
FEW_CHILDREN = 4  # where the first new one is taken
ATTEMPTS = 4  # to make a child
AT_RANDOM = 0.1  # share of draws that are random, so that no region is never seen
MUTATIONS = 2.0  # parameters of a parent that change, in the mean
MODEL_FROM = 20  # known candidates that a model is made of at least
REFIT = 0.05  # share of new ones that a model is made anew for
ENDED = 10  # candidates trained to the end, before it is what comes out there that counts


@dataclass(frozen=True, slots=True)
class Seen:
    """A candidate that has been trained at least to the first rung."""

    first: Point  # there
    last: Point | None  # in the end, if it was trained to it
    sampled: Mapping[str, Any]
    features: list[float]


Child = tuple[Draft, Architecture]


class EvolutionSampler(BaseSampler):
    """See the module. Samples parameter by parameter, so the space may be conditional."""

    def __init__(self, seed: int, space: Space, task: Task) -> None:
        self._random = np.random.default_rng(seed)
        self._fallback = RandomSampler(seed)
        self._space, self._task = space, task
        self._news = News()
        self._seen: dict[int, Seen] = {}  # by trial's number
        self._hashes: dict[int, str] = {}
        self._predictor: Predictor | None = None
        self._modelled = 0  # what the model was made of
        self._plan: tuple[int, Mapping[str, Any]] = (-1, {})  # of the trial with this number

    def infer_relative_search_space(self, *_: object) -> dict[str, BaseDistribution]:
        return {}  # a conditional space has no parameters that all candidates share

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
        """A size to look at: evenly in the logarithm, up to the budget."""
        low, high = self._range()
        return exp(low + self._random.random() * (high - low))

    def _range(self) -> tuple[float, float]:
        """The logarithms of the smallest and the largest size that are looked at."""
        limits = self._task.limits
        return log(max(limits.min_params, limits.params / SPAN, 1)), log(limits.params)

    def _look(self, study: optuna.Study) -> None:
        """Take in what has been recorded since the last look."""
        for trial in self._news.look(study):
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
                self._seen[number] = Seen(point, None, trial.params, features(net))
            if last is not None:
                seen = self._seen[number]
                self._seen[number] = replace(seen, last=Point(seen.first.params, last))

    def _children(self, seen: Sequence[Seen], wanted: int, size: float) -> list[Child]:
        """Up to `wanted` candidates that keep to the limits and are near `size`: mutated members of
        the front of `seen`, and random ones. If none of them is near it, those that are not.

        Only those of a size are compared: of a wider range the model prefers the smaller ones.
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
        """One of the two members of the front that are nearest to `size`."""
        near = sorted(front, key=lambda seen: abs(log(seen.first.params / size)))[:2]
        return near[self._random.integers(len(near))]

    def _first_new(self, children: Sequence[Child]) -> Mapping[str, Any]:
        """The parameters of the first child that the study has not had; empty if there is none."""
        known = set(self._hashes.values())
        return next((draft.params for draft, net in children if net.hash not in known), {})

    def _ranked(self, children: Sequence[Child], seen: Sequence[Seen]) -> Sequence[Child]:
        """The children, that first which the model sees farthest in front of the front."""
        self._learn(seen)
        if self._predictor is None or not children:
            return children
        expected = self._predictor.predict([features(net) for _, net in children], self._random)
        front = [point for point, _ in _front(seen)]
        lead = [
            _reference(front, net.params) - value
            for (_, net), value in zip(children, expected, strict=True)
        ]
        return [children[index] for index in np.argsort(lead)[::-1]]

    def _learn(self, seen: Sequence[Seen]) -> None:
        """Make the model anew if enough has been seen since."""
        known, late = len(seen) + sum(one.last is not None for one in seen), _late(seen)
        if len(seen) < MODEL_FROM:
            return
        old = self._predictor
        if old and old.late == late and known < (1 + REFIT) * self._modelled:
            return
        examples = [
            Example(one.features, log(one.first.error), log(one.last.error) if one.last else None)
            for one in seen
        ]
        seed = int(self._random.integers(2**31))
        self._predictor, self._modelled = Predictor(examples, late, seed), known


def _late(seen: Sequence[Seen]) -> bool:
    """Whether enough of `seen` have been trained to the end for that to be what counts."""
    return sum(one.last is not None for one in seen) >= ENDED


def _front(seen: Sequence[Seen]) -> list[tuple[Point, Seen]]:
    """Those that no other beats in size and accuracy, the smallest first, and where they stand: in
    the end or, as long as too few have come to it, at the first rung."""
    late = _late(seen)
    standing = [(point, one) for one in seen if (point := one.last if late else one.first)]
    best, front = -inf, []
    for point, one in sorted(standing, key=lambda s: (s[0].params, -s[0].accuracy)):
        if point.accuracy > best:
            best = point.accuracy
            front.append((point, one))
    return front


def _reference(front: Sequence[Point], params: int) -> float:
    """The logarithm of the error that a candidate of this size has to beat; below the smallest
    member of the front that is a line of slope -1 from it, as a halved net about doubles it."""
    smaller = [point for point in front if point.params <= params]
    if smaller:
        return log(smaller[-1].error)
    return log(front[0].error) + log(front[0].params / params)
