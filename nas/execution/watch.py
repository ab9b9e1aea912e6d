"""What the supervisor of a study's workers sees of others: of other machines, and of the dead."""

import time

import optuna

from nas.execution.events import Ended
from nas.execution.observer import Observer
from nas.execution.progress import Progress
from nas.execution.reaper import Reaper
from nas.records import trials
from nas.records.ledger import News
from nas.storage.heartbeat import HEARTBEAT
from nas.storage.retry import is_away
from nas.study.folder import Folder


class Watch:
    """Looks at the study every `HEARTBEAT` seconds: gives back what nobody trains any more, and
    counts in `progress` what others than `owner` have ended, and tells `observer` of it."""

    def __init__(
        self,
        study: optuna.Study,
        folder: Folder,
        owner: str | None,
        progress: Progress,
        observer: Observer,
    ) -> None:
        self._study = study
        self._owner = owner
        self._progress = progress
        self._observer = observer
        self._reaper = Reaper(study, folder)
        self._news = News()
        self._looked = -1e9
        self._begun = False

    def look(self, now: bool = False) -> None:
        """Look if it is time, or `now`. While the storage is away there is nothing to see."""
        if not now and time.monotonic() - self._looked < HEARTBEAT:
            return
        self._looked = time.monotonic()
        self._reaper.look()
        try:
            changed = list(self._news.look(self._study))
        except Exception as error:
            if not is_away(error):
                raise
            return
        begun, self._begun = self._begun, True
        for trial in changed:
            own = self._owner is not None and trial.user_attrs.get(trials.OWNER) == self._owner
            if not own and trial.state.is_finished() and not trials.is_withdrawn(trial):
                # Not `see`: on its machine its worker may be called as one of ours.
                record = trials.record(trial)
                self._progress.count(record)
                if begun:  # what was there before is no news
                    worker = trial.user_attrs.get("worker", "")
                    self._observer.event(worker, Ended(record), self._progress)
