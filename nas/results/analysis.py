"""What report and dashboard show, computed: rows of plain values, no plotly."""

import warnings
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import optuna
from optuna.trial import FrozenTrial, TrialState

from nas.architecture import Architecture, Conv, DepthwiseConv, Linear
from nas.records import Record, State, hypervolume

LEAST_ACCURACY = 90.0  # percent; the hypervolume counts what lies above
FEW_TRIALS = 10  # with fewer, importances say nothing
FEW_DRAWS = 5  # with fewer, a choice's share says nothing


@dataclass(frozen=True, slots=True)
class Step:
    """The hypervolume after a candidate has ended."""

    epochs: int  # trained by all candidates until then
    hypervolume: float
    trial: int


def hypervolume_history(records: Iterable[Record], budget: int) -> list[Step]:
    """The hypervolume each time a candidate ended, over the epochs that had been trained then.

    Epochs of candidates that failed or were interrupted count as well. Looks at the front alone,
    so the work grows with the records times the front's length, not with their square.
    """
    ended = [record for record in records if record.curve and record.finished]
    steps: list[Step] = []
    front: list[Record] = []
    epochs, volume = 0, 0.0
    for record in sorted(ended, key=lambda record: (record.finished, record.number)):
        epochs += record.epochs
        if record.state is State.TRAINED and not _beaten(record, front):
            front = [other for other in front if not _beats(record, other)]
            front.insert(bisect_right([_size(other) for other in front], _size(record)), record)
            volume = hypervolume(front, budget, LEAST_ACCURACY)
        steps.append(Step(epochs, volume, record.number))
    return steps


def _size(record: Record) -> int:
    return record.params or 0


def _beats(one: Record, other: Record) -> bool:
    return _size(one) <= _size(other) and (one.accuracy or 0) >= (other.accuracy or 0)


def _beaten(record: Record, front: Sequence[Record]) -> bool:
    return any(_beats(other, record) for other in front)


@dataclass(frozen=True, slots=True)
class Span:
    """What a worker did from one moment to another."""

    worker: str
    trial: int
    state: State
    started: datetime
    finished: datetime
    params: int | None


def timeline(records: Iterable[Record]) -> list[Span]:
    """The candidates that began to train, with who trained them and when."""
    return [
        Span(r.worker, r.number, r.state, r.started, r.finished, r.params)
        for r in records
        if r.seed is not None and r.started and r.finished
    ]


@dataclass(frozen=True, slots=True)
class Features:
    """An architecture in a few numbers that every search space has."""

    number: int
    depth: int  # layers with weights other than batch norm
    widest: int  # channels of its widest convolution
    receptive_field: int
    params: int
    macs: int
    peak_ram: int
    accuracy: float


def features(records: Iterable[Record]) -> list[Features]:
    """The features of the trained candidates."""
    rows = []
    for record in records:
        if record.state is State.TRAINED and record.accuracy is not None:
            architecture = record.architecture
            rows.append(
                Features(
                    number=record.number,
                    depth=depth(architecture),
                    widest=max((shape[0] for shape in architecture.shapes[1:-1]), default=0),
                    receptive_field=architecture.receptive_field,
                    params=architecture.params,
                    macs=architecture.macs,
                    peak_ram=architecture.peak_ram,
                    accuracy=record.accuracy,
                )
            )
    return rows


def depth(architecture: Architecture) -> int:
    """How many convolutions and linear layers it has."""
    return sum(isinstance(x, Conv | DepthwiseConv | Linear) for x in architecture.layers)


def importances(study: optuna.Study) -> tuple[dict[str, float], dict[str, float]] | None:
    """Which of the space's parameters matter for accuracy, and for size; None with few trials.

    PED-ANOVA (Watanabe et al., 2023) over the trained candidates, each the larger first. It asks
    what sets the best tenth apart, so it is told the negative accuracy.
    """
    trained = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len(trained) < FEW_TRIALS:
        return None

    def inaccuracy(trial: FrozenTrial) -> float:
        return -float(trial.values[0])

    def size(trial: FrozenTrial) -> float:
        return float(trial.values[1])

    with warnings.catch_warnings():
        # It warns that it looks at low values, which we have seen to, and that few trials make it
        # inaccurate, which the report says under the figure.
        warnings.simplefilter("ignore", UserWarning)
        return (
            optuna.importance.get_param_importances(study, target=inaccuracy),
            optuna.importance.get_param_importances(study, target=size),
        )


@dataclass(frozen=True, slots=True)
class Share:
    """Of the draws with one choice, how many were over the budget."""

    choice: str  # "block1.width1 = 24"
    draws: int
    over: int

    @property
    def share(self) -> float:
        return self.over / self.draws


def outcomes(records: Iterable[Record]) -> dict[State, int]:
    """How many draws ended how, the most frequent first."""
    return dict(Counter(record.state for record in records).most_common())


def budget_breakers(records: Iterable[Record], most: int = 10) -> tuple[Share, list[Share]]:
    """All draws that fit together, and the choices among them that were most often over budget.

    A candidate that is tried again is counted once.
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
