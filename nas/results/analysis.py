"""The rows that report and dashboard draw: plain values, no plotly."""

import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import optuna
from optuna.trial import FrozenTrial, TrialState

from nas.records import Record, State, hypervolume, pareto_front
from nas.sampling.features import Features, features

LEAST_ACCURACY = 90.0  # percent; the lower edge of the hypervolume's box
FEW_TRIALS = 10  # with fewer, no importances
FEW_DRAWS = 5  # with fewer, no share of a choice


@dataclass(frozen=True, slots=True)
class Step:
    """The hypervolume after a candidate ended."""

    epochs: int  # trained by all candidates until then
    hypervolume: float
    trial: int


def hypervolume_history(records: Iterable[Record], budget: int) -> list[Step]:
    """The hypervolume and the epochs trained so far, each time a candidate ended.

    Epochs of candidates that failed or were interrupted count as well.
    """
    ended = [record for record in records if record.curve and record.finished]
    steps: list[Step] = []
    front: list[Record] = []
    epochs, volume = 0, 0.0
    for record in sorted(ended, key=lambda record: (record.finished, record.number)):
        epochs += record.epochs
        if record.state is State.TRAINED:
            front = pareto_front([*front, record])
            volume = hypervolume(front, budget, LEAST_ACCURACY)
        steps.append(Step(epochs, volume, record.number))
    return steps


Span = tuple[Record, datetime, datetime]  # a candidate, and when its trial began and ended


def timeline(records: Iterable[Record]) -> list[Span]:
    """The time that every candidate took that began to train."""
    return [
        (record, record.started, record.finished)
        for record in records
        if record.seed is not None and record.started and record.finished
    ]


def trained_features(records: Iterable[Record]) -> list[tuple[Features, float]]:
    """The features of the trained candidates, each with the held-out accuracy."""
    trained = (record for record in records if record.state is State.TRAINED)
    return [(features(record.architecture), record.point.accuracy) for record in trained]


def importances(study: optuna.Study) -> tuple[dict[str, float], dict[str, float]] | None:
    """The importance of the space's parameters for accuracy and for size, the largest first; None
    with few trials.

    PED-ANOVA (Watanabe et al., 2023) over the trained candidates. It explains the tenth with the
    lowest values, so it gets the negative accuracy.
    """
    trained = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len(trained) < FEW_TRIALS:
        return None

    def inaccuracy(trial: FrozenTrial) -> float:
        return -float(trial.values[0])

    def size(trial: FrozenTrial) -> float:
        return float(trial.values[1])

    with warnings.catch_warnings():
        # It warns that it explains low values, which is why accuracy is negated, and that few
        # trials make it inaccurate, which the report's caption says.
        warnings.simplefilter("ignore", UserWarning)
        return (
            optuna.importance.get_param_importances(study, target=inaccuracy),
            optuna.importance.get_param_importances(study, target=size),
        )


@dataclass(frozen=True, slots=True)
class Share:
    """How many of the draws with one choice were over the budget."""

    choice: str  # "block1.width1 = 24"
    draws: int
    over: int

    @property
    def share(self) -> float:
        return self.over / self.draws


def outcomes(records: Iterable[Record]) -> dict[State, int]:
    """The number of draws in each state, the most frequent first."""
    return dict(Counter(record.state for record in records).most_common())


def budget_breakers(records: Iterable[Record], most: int = 10) -> tuple[Share, list[Share]]:
    """The share over budget of all draws with valid layers, and of the choices that exceed it.

    A candidate that was interrupted and tried again counts once.
    """
    drawn = [r for r in records if r.params is not None and r.state is not State.INTERRUPTED]
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for record in drawn:
        for name, value in record.sampled.items():
            count = counts[f"{name} = {value}"]
            count[0] += 1
            count[1] += record.state is State.OVER_BUDGET
    over = sum(record.state is State.OVER_BUDGET for record in drawn)
    whole = Share("all", len(drawn), over)
    shares = [Share(choice, *count) for choice, count in counts.items() if count[0] >= FEW_DRAWS]
    shares = [share for share in shares if whole.over and share.share > whole.share]
    return whole, sorted(shares, key=lambda s: (-s.share, -s.draws, s.choice))[:most]
