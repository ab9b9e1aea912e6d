"""Progress of a search, counted from records and events without reading the database."""

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from nas.execution.events import Ended, EpochDone, Ready, Started, WorkerEvent
from nas.records import COUNTED, Record, State


class Pace:
    """Finished epochs since this object was created, and the time up to the last one.

    With the time up to now, the estimate of the remaining time would grow during each epoch.
    """

    def __init__(self) -> None:
        self._epochs, self._work = 0, 0.0
        self._began = self._latest = time.monotonic()

    def count(self, work: float = 1.0) -> None:
        """Count a finished epoch. `work` is its relative cost, in any unit."""
        self._epochs += 1
        self._work += work
        self._latest = time.monotonic()

    @property
    def per_second(self) -> float:
        """Epochs per second; 0 if no time has passed."""
        elapsed = self._latest - self._began
        return self._epochs / elapsed if elapsed > 0 else 0.0

    def seconds(self, work: float) -> float | None:
        """Estimated seconds for `work` more, by default epochs; None before the first epoch.

        The time since the last epoch is subtracted, up to one epoch's mean. So the estimate stays
        constant while everything waits, for example for an unreachable database.
        """
        if not self._epochs:
            return None
        elapsed = self._latest - self._began
        current = min(elapsed / self._epochs, time.monotonic() - self._latest)
        return max(0.0, work * elapsed / self._work - current)


@dataclass(slots=True)
class Candidate:
    """A candidate in training, its finished epochs and last accuracy in percent."""

    number: int
    params: int
    summary: str
    epochs: int = 0
    accuracy: float | None = None


@dataclass(slots=True)
class Progress:
    """The state of a search; `update` applies the workers' events."""

    trials: int  # `--trials`
    epochs_each: int
    counts: Counter[State] = field(default_factory=Counter)
    best: Record | None = None
    training: dict[str, Candidate] = field(default_factory=dict)  # by worker
    devices: dict[str, str] = field(default_factory=dict)  # by worker
    pace: Pace = field(default_factory=Pace)
    lengths: Counter[int] = field(default_factory=Counter)  # candidates by number of epochs trained

    @classmethod
    def of(cls, trials: int, epochs_each: int, records: Iterable[Record]) -> "Progress":
        """The progress of a search with the `records` of earlier ones."""
        progress = cls(trials, epochs_each)
        for record in records:
            progress.count(record)
        return progress

    @property
    def trained(self) -> int:
        """Number of candidates that trained, including those stopped early."""
        return self.counts[State.TRAINED] + self.counts[State.STOPPED]

    @property
    def seconds_left(self) -> float | None:
        """Estimated seconds until the search is complete; None before the first epoch.

        The last candidates train in parallel, so the longest one is a lower bound.
        """
        running = [self._epochs_left(candidate.epochs) for candidate in self.training.values()]
        others = max(0, self.trials - self.trained - len(running))
        together = sum(running) + others * self._epochs_left(0)
        return self.pace.seconds(max(together, max(running, default=0.0) * len(self.devices)))

    def _epochs_left(self, trained: int) -> float:
        """Expected further epochs of a candidate that has `trained` epochs.

        This is the mean over earlier candidates that trained longer; all epochs if there are none.
        """
        further = {length: n for length, n in self.lengths.items() if length > trained}
        if not further:
            return max(0, self.epochs_each - trained)
        return sum(length * n for length, n in further.items()) / sum(further.values()) - trained

    def update(self, worker: str, event: WorkerEvent) -> None:
        """Apply an event from `worker`, a worker of this process."""
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
        """Drop the candidate of a worker that died."""
        self.training.pop(worker, None)

    def count(self, record: Record) -> None:
        """Count a finished draw of any worker."""
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
