"""What a worker knows of all trials, without looking twice at one that has ended."""

from collections import defaultdict
from collections.abc import Iterator

import optuna
from optuna.trial import FrozenTrial, TrialState

from nas.records import Point, State, trials

EXHAUSTED_AFTER = 100  # duplicates in a row


class News:
    """The trials that may have changed since the last look: new ones, and those that were open."""

    def __init__(self) -> None:
        self._known = 0  # trials at the last look; a trial's number is its place
        self._open: list[int] = []

    def look(self, study: optuna.Study) -> Iterator[FrozenTrial]:
        """Every trial of `study`, but none that had ended when it was last given."""
        everything = study.get_trials(deepcopy=False)
        changed = [everything[number] for number in self._open] + everything[self._known :]
        self._known = len(everything)
        self._open = [trial.number for trial in changed if not trial.state.is_finished()]
        yield from changed


class Ledger:
    """The counts, the architectures and the rungs of a study. `update` brings them up to date, at
    a cost that does not grow with the study."""

    def __init__(self, study: optuna.Study) -> None:
        self._study = study
        self._news = News()
        self._open: list[FrozenTrial] = []
        self._ended = 0
        self._trained = 0
        self._duplicates = 0  # in a row, up to the last that ended
        self._had: dict[str, int] = {}  # by an ended candidate's hash, its trial
        self._rungs: dict[str, list[tuple[Point, float | None]]] = defaultdict(list)

    def update(self) -> None:
        """Take in what has happened since the last time."""
        self._open = []
        for trial in self._news.look(self._study):
            if trial.state.is_finished():
                self._take(trial)
            else:
                self._open.append(trial)

    @property
    def drawn(self) -> int:
        """Trials that somebody has begun; those that are queued are not."""
        return self._ended + self.running

    @property
    def running(self) -> int:
        return sum(trial.state is TrialState.RUNNING for trial in self._open)

    @property
    def trained(self) -> int:
        """Candidates that have trained, to the end or until they were stopped early."""
        return self._trained

    @property
    def exhausted(self) -> bool:
        """Whether the last `EXHAUSTED_AFTER` draws were all duplicates."""
        return self._duplicates >= EXHAUSTED_AFTER

    def twin(self, number: int, architecture_hash: str) -> int | None:
        """The trial that keeps trial `number` from training this architecture, if there is one.

        It has trained it, or trains it, or is about to and has the lower number. One that was
        interrupted does not count: it is to be tried again.
        """
        if architecture_hash in self._had:
            return self._had[architecture_hash]
        same = self._rivals(number, architecture_hash)
        return next((t.number for t in same if t.number < number or _decided(t)), None)

    def undecided(self, number: int, architecture_hash: str) -> bool:
        """Whether a later trial has this architecture too, and has not seen yet that trial `number`
        is before it."""
        same = self._rivals(number, architecture_hash)
        return any(t.number > number and not _decided(t) for t in same)

    def _rivals(self, number: int, architecture_hash: str) -> list[FrozenTrial]:
        running = (t for t in self._open if t.state is TrialState.RUNNING and t.number != number)
        return [t for t in running if t.user_attrs.get("hash") == architecture_hash]

    def at_rung(self, name: str, but: int) -> list[tuple[Point, float | None]]:
        """All candidates that have come to the rung whose attribute is `name`, except that of the
        running trial `but`: their points there, and their accuracies in the end, if they have any.
        """
        running = [
            (_point(trial, name), None)
            for trial in self._open
            if trial.number != but and name in trial.user_attrs
        ]
        return [*self._rungs[name], *running]

    def _take(self, trial: FrozenTrial) -> None:
        if trials.is_withdrawn(trial):
            return
        state = trial.user_attrs.get("state")
        self._ended += 1
        self._duplicates = self._duplicates + 1 if state == State.DUPLICATE.value else 0
        if trials.counts(trial):
            self._trained += 1
        if trials.counts(trial) or trials.has_failed(trial):
            self._had.setdefault(trial.user_attrs.get("hash", ""), trial.number)
        if trial.state is TrialState.FAIL:
            return  # what failed or was interrupted is not compared with
        end = float(trial.values[0]) if trial.state is TrialState.COMPLETE else None
        for name in trial.user_attrs:
            if name.startswith(trials.RUNG):
                self._rungs[name].append((_point(trial, name), end))


def _decided(trial: FrozenTrial) -> bool:
    """Whether a running trial is past its look for twins, and trains."""
    return trials.SEED in trial.user_attrs


def _point(trial: FrozenTrial, name: str) -> Point:
    return Point(trial.user_attrs["params"], trial.user_attrs[name])
