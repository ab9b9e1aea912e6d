"""Mutation: a candidate's parameters made from another's."""

import warnings
from collections.abc import Mapping
from math import exp, log
from typing import Any

import numpy as np
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from nas.storage import adapter
from nas.storage.adapter import ChoosingTrial

STEP = 0.3  # standard deviation of the change of a log-distributed number, in its logarithm
_NOTHING = object()


class Draft(ChoosingTrial):
    """A trial outside of any study: a parent's values, some of them mutated, and random others.

    Each value of `parent` that the distribution contains is mutated with probability `rate`.
    """

    def __init__(self, parent: Mapping[str, Any], rate: float, rng: np.random.Generator) -> None:
        super().__init__()
        self._parent, self._rate, self._random = parent, rate, rng

    def choose(self, name: str, distribution: BaseDistribution) -> Any:
        value = self._parent.get(name, _NOTHING)
        if value is _NOTHING or not contains(distribution, value):
            return self._random_value(distribution)
        if self._random.random() < self._rate:
            return self._mutated(value, distribution)
        return value

    def _random_value(self, distribution: BaseDistribution) -> Any:
        if isinstance(distribution, CategoricalDistribution):
            return distribution.choices[self._random.integers(len(distribution.choices))]
        assert isinstance(distribution, IntDistribution | FloatDistribution)
        low, high = float(distribution.low), float(distribution.high)
        if distribution.log:
            half = 0.5 if isinstance(distribution, IntDistribution) else 0.0
            low, high = log(low - half), log(high + half)
            return _rounded(exp(low + self._random.random() * (high - low)), distribution)
        step = distribution.step
        if step is None:
            return low + self._random.random() * (high - low)
        return _rounded(
            low + step * self._random.integers(round((high - low) / step) + 1), distribution
        )

    def _mutated(self, value: Any, distribution: BaseDistribution) -> Any:
        """Another value: of a choice any other one, of a number a nearby one."""
        if isinstance(distribution, CategoricalDistribution):
            others = [choice for choice in distribution.choices if choice != value]
            return others[self._random.integers(len(others))] if others else value
        assert isinstance(distribution, IntDistribution | FloatDistribution)
        if distribution.log:
            moved = _rounded(value * exp(self._random.normal(0, STEP)), distribution)
        else:
            spread = max(distribution.step or 0.0, (distribution.high - distribution.low) / 5)
            moved = _rounded(value + self._random.normal(0, spread), distribution)
        if moved == value and distribution.step:  # rounded back: one step up or down
            moved = _rounded(value + distribution.step * self._random.choice([-1, 1]), distribution)
        return moved


def _rounded(value: float, distribution: IntDistribution | FloatDistribution) -> float | int:
    """The nearest value in the distribution."""
    low, high, step = distribution.low, distribution.high, distribution.step
    if step:
        value = low + step * round((value - low) / step)
    value = min(high, max(low, value))
    return round(value) if isinstance(distribution, IntDistribution) else float(value)


def contains(distribution: BaseDistribution, value: Any) -> bool:
    """Whether the distribution contains `value`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return adapter.contains(distribution, value)
    except (ValueError, TypeError):
        return False
