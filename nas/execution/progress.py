"""How far a search is: counted from records and events, without a look at the database."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from nas.execution.events import Ended, EpochDone, Ready, Started, WorkerEvent
from nas.execution.pace import Pace
from nas.records import COUNTED, Record, State


@dataclass(slots=True)
class Candidate:
    """A candidate in training, and how far it is."""

    number: int
    params: int
    summary: str
    epochs: int = 0
    accuracy: float | None = None


@dataclass(slots=True)
class Progress:
    """The state of a search, kept up to date by `see`."""

    trials: int  # how many are wanted
    epochs_each: int
    counts: Counter[State] = field(default_factory=Counter)
    best: Record | None = None
    training: dict[str, Candidate] = field(default_factory=dict)  # by worker
    devices: dict[str, str] = field(default_factory=dict)  # by worker
    pace: Pace = field(default_factory=Pace)
    lengths: Counter[int] = field(default_factory=Counter)  # epochs that ended candidates trained

    @classmethod
    def of(cls, trials: int, epochs_each: int, records: Iterable[Record]) -> "Progress":
        """The progress of a search that begins with the `records` of earlier ones."""
        progress = cls(trials, epochs_each)
        for record in records:
            progress.count(record)
        return progress

    @property
    def trained(self) -> int:
        """Candidates that have trained, to the end or until they were stopped early."""
        return self.counts[State.TRAINED] + self.counts[State.STOPPED]

    @property
    def seconds_left(self) -> float | None:
        """For the candidates that are still to be trained; None before the first epoch.

        The last ones train side by side: all wait for the longest of them, at one worker's pace.
        """
        begun = [self._epochs_left(candidate.epochs) for candidate in self.training.values()]
        others = max(0, self.trials - self.trained - len(begun))
        together = sum(begun) + others * self._epochs_left(0)
        return self.pace.seconds(max(together, max(begun, default=0.0) * len(self.devices)))

    def _epochs_left(self, trained: int) -> float:
        """What a candidate that has `trained` so many epochs trains still: the mean of those that
        have gone on from there, earlier searches included. The first ones train all epochs."""
        further = {length: n for length, n in self.lengths.items() if length > trained}
        if not further:
            return max(0, self.epochs_each - trained)
        return sum(length * n for length, n in further.items()) / sum(further.values()) - trained

    def see(self, worker: str, event: WorkerEvent) -> None:
        """Take in what `worker` told, one of those that this search has."""
        match event:
            case Ready(device, precision):
                self.devices[worker] = f"{device}, {precision}"
            case Started(number, params, summary):
                self.training[worker] = Candidate(number, params, summary)
            case EpochDone(_, epoch):
                self.pace.count()
                candidate = self.training[worker]
                candidate.epochs, candidate.accuracy = epoch.number, epoch.accuracy
            case Ended(record):
                self.training.pop(worker, None)
                self.count(record)

    def forget(self, worker: str) -> None:
        """The worker is gone, and with it what it trained."""
        self.training.pop(worker, None)

    def count(self, record: Record) -> None:
        """Count a draw that has ended, whosever it was."""
        self.counts[record.state] += 1
        if record.state in COUNTED:
            self.lengths[record.epochs] += 1
        if record.state is not State.TRAINED or record.accuracy is None:
            return
        if self.best is None or _rank(record) > _rank(self.best):
            self.best = record


def _rank(record: Record) -> tuple[float, int]:
    assert record.accuracy is not None
    assert record.params is not None
    return record.accuracy, -record.params
