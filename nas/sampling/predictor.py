"""How well a candidate will do, from its layers and from what others came to.

Two models in a chain, both extremely randomised trees (Geurts et al., 2006): the first predicts the
error at the first rung, where everybody has been, the second from that the error in the end, which
only those have that were trained to it. The first alone hardly tells candidates near the front from
one another, whose order after one epoch is not that in the end; a model of the last error alone
knows nothing of what was stopped.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from sklearn.ensemble import ExtraTreesRegressor

Numbers = NDArray[np.floating]

TREES, TREES_ASKED = 64, 8  # of a model, and for one answer


@dataclass(frozen=True, slots=True)
class Example:
    """What a candidate came to: logarithms of its errors."""

    features: list[float]
    first: float  # at the first rung
    last: float | None  # in the end, if it was trained to it


class Predictor:
    """What `examples` teach: of the end as well, if it is to be `late`; else of the first rung."""

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
        """Whether what it predicts is the error in the end."""
        return self._last is not None

    def predict(self, features: Sequence[list[float]], rng: np.random.Generator) -> Numbers:
        """The logarithms of the errors of candidates with these features, as a few trees of each
        model see them.

        They are drawn with `rng`, as in Thompson sampling: what trees disagree on is tried as well.
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
