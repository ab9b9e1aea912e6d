"""Progress of a study, as seen by the supervisor of its workers."""

import time
from typing import Protocol

import optuna

from nas.execution.events import Ended, WorkerEvent
from nas.execution.liveness import HEARTBEAT, Reaper
from nas.execution.progress import Progress
from nas.execution.signals import Interrupts
from nas.records import trials
from nas.records.ledger import TrialUpdates
from nas.storage import studies
from nas.storage.retry import is_away
from nas.study import attributes
from nas.study.config import StudyConfig
from nas.study.folder import Folder


class Observer(Protocol):
    """Callbacks of a running search."""

    def begin(self, folder: Folder, config: StudyConfig, progress: Progress) -> None:
        """The study is open; its workers are about to start."""

    def event(self, worker: str, event: WorkerEvent, progress: Progress) -> None:
        """A worker sent `event`; `progress` already includes it."""

    def tick(self, progress: Progress) -> None:
        """Called regularly, with or without an event."""

    def warn(self, text: str) -> None:
        """Report a problem or a hint; the search continues."""


class Monitor:
    """Follows a study: counts finished trials and requeues candidates of dead workers.

    `waiting` is `study` on a storage that retries while it is unreachable.
    """

    def __init__(
        self,
        study: optuna.Study,
        folder: Folder,
        config: StudyConfig,
        owner: str | None,
        observer: Observer,
    ) -> None:
        """`owner` identifies the trials of this process's workers; None if it has no workers."""
        self.study = study
        self.waiting = studies.with_retries(study, observer.warn)
        self.folder = folder
        self.config = attributes.totals(self.waiting, config)
        self.observer = observer
        self.progress = Progress(self.config.trials, self.config.recipe.epochs)
        self.interrupts = Interrupts()
        self._owner = owner
        self._reaper = Reaper(study, folder)
        self._updates = TrialUpdates()
        self._last_check = -1e9
        self._polled = False

    def begin(self) -> int:
        """Read the study and call the observer; returns how many candidates are left to train."""
        self.look(now=True)
        self.observer.begin(self.folder, self.config, self.progress)
        return max(0, self.config.trials - self.progress.trained)

    def look(self, now: bool = False) -> None:
        """Read the study, at most every `HEARTBEAT` seconds unless `now`.

        Interrupts are deferred meanwhile. Does nothing while the storage is unreachable.
        """
        if not now and time.monotonic() - self._last_check < HEARTBEAT:
            return
        self._last_check = time.monotonic()
        with self.interrupts.held():
            self._reaper.look()
            try:
                self._count_others()
            except Exception as error:
                if not is_away(error):
                    raise

    def _count_others(self) -> None:
        """Count trials that other processes' workers finished since the last call."""
        changed = list(self._updates.poll(self.study))
        polled, self._polled = self._polled, True
        for trial in changed:
            own = self._owner is not None and trial.user_attrs.get(trials.OWNER) == self._owner
            if not own and trial.state.is_finished() and not trials.is_withdrawn(trial):
                # Not `update`: another machine's worker may have the name of one of ours.
                record = trials.record(trial)
                self.progress.count(record)
                if polled:  # trials of earlier searches are no events
                    worker = trial.user_attrs.get("worker", "")
                    self.observer.event(worker, Ended(record), self.progress)
