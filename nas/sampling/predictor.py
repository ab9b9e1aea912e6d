"""Predicts a candidate's error from its features and from the errors of others.

Two models in a chain, both extremely randomised trees (Geurts et al., 2006). The first predicts the
error at the first rung, which every candidate has. The second predicts the final error from that
and from the features, and learns from candidates trained to the end. The first alone cannot rank
candidates near the front, whose order after one epoch differs from the final one; a model of the
final error alone would ignore all candidates that were stopped.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from sklearn.ensemble import ExtraTreesRegressor

Numbers = NDArray[np.floating]

TREES = 64  # in a model
TREES_ASKED = 8  # for one prediction


@dataclass(frozen=True, slots=True)
class Example:
    """A known candidate: its features and the logarithms of its errors."""

    features: list[float]
    first: float  # at the first rung
    last: float | None  # after the last epoch, if it got there


class Predictor:
    """Fitted on `examples`; predicts the final error if `late`, else that at the first rung."""

    def __init__(self, examples: Sequence[Example], late: bool, seed: int) -> None:
        table = np.array([one.features for one in examples])
        first = np.array([one.first for one in examples])
        self._first = _fit(table, first, seed)
        self._last: ExtraTreesRegressor | None = None
        if late:
            ended = np.array([one.last is not None for one in examples])
            errors = np.array([one.last for one in examples if one.last is not None])
            self._last = _fit(_beside(table, first)[ended], errors, seed)

    @property
    def late(self) -> bool:
        """Whether it predicts the final error."""
        return self._last is not None

    def predict(self, features: Sequence[list[float]], rng: np.random.Generator) -> Numbers:
        """The log errors of candidates with these features, by a few random trees of each model.

        As in Thompson sampling, candidates on which the trees disagree have a chance as well.
        """
        table = np.array(features, dtype=np.float32)
        errors = _ask(self._first, table, rng)
        return errors if self._last is None else _ask(self._last, _beside(table, errors), rng)


def _fit(table: Numbers, errors: Numbers, seed: int) -> "ExtraTreesRegressor":
    from sklearn.ensemble import ExtraTreesRegressor

    model = ExtraTreesRegressor(TREES, min_samples_leaf=2, random_state=seed, n_jobs=1)
    return model.fit(table, errors)


def _ask(model: "ExtraTreesRegressor", table: Numbers, rng: np.random.Generator) -> Numbers:
    trees = rng.choice(np.array(model.estimators_, dtype=object), TREES_ASKED)
    answers: Numbers = np.mean([tree.predict(table) for tree in trees], axis=0)
    return answers


def _beside(table: Numbers, errors: Numbers) -> Numbers:
    return np.column_stack([table, errors]).astype(np.float32)
