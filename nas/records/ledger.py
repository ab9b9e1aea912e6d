"""Incremental view of a study's trials."""

from collections import defaultdict
from collections.abc import Iterator

import optuna
from optuna.trial import FrozenTrial, TrialState

from nas.records import Point, State, trials

EXHAUSTED_AFTER = 100  # duplicates in a row


class TrialUpdates:
    """Polls a study for trials that may have changed: new ones and unfinished ones."""

    def __init__(self) -> None:
        self._known = 0  # trials at the last poll; a trial's number is its index
        self._open: list[int] = []

    def poll(self, study: optuna.Study) -> Iterator[FrozenTrial]:
        """Yield the trials of `study`, except those that were finished at an earlier poll."""
        everything = study.get_trials(deepcopy=False)
        changed = [everything[number] for number in self._open] + everything[self._known :]
        self._known = len(everything)
        self._open = [trial.number for trial in changed if not trial.state.is_finished()]
        yield from changed


class Ledger:
    """Counts, architectures and rungs of a study.

    `update` reads only the trials that may have changed.
    """

    def __init__(self, study: optuna.Study) -> None:
        self._study = study
        self._updates = TrialUpdates()
        self._open: list[FrozenTrial] = []
        self._finished = 0
        self._trained = 0
        self._duplicates = 0  # consecutive, up to the last finished trial
        self._trial_of: dict[str, int] = {}  # trial numbers of finished candidates, by hash
        self._rungs: dict[str, list[tuple[Point, float | None]]] = defaultdict(list)

    def update(self) -> None:
        """Read the trials that may have changed since the last call."""
        self._open = []
        for trial in self._updates.poll(self._study):
            if trial.state.is_finished():
                self._count(trial)
            else:
                self._open.append(trial)

    @property
    def drawn(self) -> int:
        """Number of trials that a worker has started; queued trials do not count."""
        return self._finished + self.running

    @property
    def running(self) -> int:
        return sum(trial.state is TrialState.RUNNING for trial in self._open)

    @property
    def trained(self) -> int:
        """Number of candidates that trained, including those stopped early."""
        return self._trained

    @property
    def exhausted(self) -> bool:
        """Whether the last `EXHAUSTED_AFTER` draws were all duplicates."""
        return self._duplicates >= EXHAUSTED_AFTER

    def twin(self, number: int, architecture_hash: str) -> int | None:
        """Another trial that takes precedence over trial `number` for this architecture, or None.

        It has trained the architecture, is training it, or is running with a lower number.
        Interrupted trials do not count, because their candidates are retried.
        """
        if architecture_hash in self._trial_of:
            return self._trial_of[architecture_hash]
        same = self._running_twins(number, architecture_hash)
        return next((t.number for t in same if t.number < number or _is_training(t)), None)

    def undecided(self, number: int, architecture_hash: str) -> bool:
        """Whether a later running trial has the architecture and may still start training."""
        same = self._running_twins(number, architecture_hash)
        return any(t.number > number and not _is_training(t) for t in same)

    def _running_twins(self, number: int, architecture_hash: str) -> list[FrozenTrial]:
        running = (t for t in self._open if t.state is TrialState.RUNNING and t.number != number)
        return [t for t in running if t.user_attrs.get("hash") == architecture_hash]

    def at_rung(self, name: str, but: int) -> list[tuple[Point, float | None]]:
        """Candidates that reached the rung with the attribute `name`, except running trial `but`.

        Each is its point at the rung and its final accuracy in percent, None if it has none.
        """
        running = [
            (_point(trial, name), None)
            for trial in self._open
            if trial.number != but and name in trial.user_attrs
        ]
        return [*self._rungs[name], *running]

    def _count(self, trial: FrozenTrial) -> None:
        if trials.is_withdrawn(trial):
            return
        state = trial.user_attrs.get("state")
        self._finished += 1
        self._duplicates = self._duplicates + 1 if state == State.DUPLICATE.value else 0
        if trials.counts(trial):
            self._trained += 1
        if trials.counts(trial) or trials.has_failed(trial):
            self._trial_of.setdefault(trial.user_attrs.get("hash", ""), trial.number)
        if trial.state is TrialState.FAIL:
            return  # failed and interrupted candidates are not compared with others
        accuracy = float(trial.values[0]) if trial.state is TrialState.COMPLETE else None
        for name in trial.user_attrs:
            if name.startswith(trials.RUNG):
                self._rungs[name].append((_point(trial, name), accuracy))


def _is_training(trial: FrozenTrial) -> bool:
    """Whether a running trial has passed the check for duplicates."""
    return trials.SEED in trial.user_attrs


def _point(trial: FrozenTrial, name: str) -> Point:
    return Point(trial.user_attrs["params"], trial.user_attrs[name])
