"""Candidates whose workers are gone are given back, to be trained again."""

import time
import warnings
from dataclasses import dataclass

import optuna
from filelock import FileLock, Timeout
from optuna.storages import fail_stale_trials
from optuna.storages._heartbeat import is_heartbeat_enabled
from optuna.trial import FrozenTrial, TrialState

from nas.execution import owners
from nas.records import trials
from nas.storage.heartbeat import GRACE, HEARTBEAT
from nas.storage.rdb import database
from nas.storage.retry import Patient, is_away, retrying
from nas.study.folder import Folder


class Beat:
    """The sign of life of the trial that a worker has: Optuna's heartbeat where the storage has
    them, else a count in the trial's attributes."""

    def __init__(self, study: optuna.Study) -> None:
        waiting = study._storage
        self._retry = retrying(study)
        # A sign that comes late is none: the thread that gives them does not wait for the storage.
        self._storage = waiting.backend if isinstance(waiting, Patient) else waiting
        self._optunas = is_heartbeat_enabled(self._storage)
        self._trial: int | None = None  # the id
        self._count = 0

    def begin(self, trial: optuna.Trial) -> None:
        """The worker has taken `trial`, whose first sign is there when this returns."""
        self._retry(self._give, trial._trial_id)
        self._trial = trial._trial_id

    def end(self) -> None:
        """The worker has none."""
        self._trial = None

    def give(self) -> None:
        """Say that this worker is alive; while the storage is away that has to wait for the next
        time."""
        trial_id = self._trial
        if trial_id is None:
            return
        try:
            self._give(trial_id)
        except Exception as error:
            if not is_away(error):
                raise

    def _give(self, trial_id: int) -> None:
        """Give a sign; an ended trial is left as it is."""
        self._count += 1
        try:
            if self._optunas:
                self._storage.record_heartbeat(trial_id)  # type: ignore[attr-defined]
            else:
                self._storage.set_trial_system_attr(trial_id, trials.BEAT, self._count)
        except optuna.exceptions.UpdateFinishedTrialError:
            return


@dataclass(slots=True)
class _Sign:
    """The last sign of life of a trial, and when it came, by this process's own clock."""

    count: int
    at: float


class Reaper:
    """Gives back candidates of owners that are gone, or silent for longer than `GRACE`.

    No clock of another machine is believed: a count that stands still, or the database's own time,
    says that a worker is silent. After the storage was away everybody has that long to be heard.
    """

    def __init__(self, study: optuna.Study, folder: Folder) -> None:
        self._study = study
        self._folder = folder
        behind = database(study)
        if behind is not None:
            behind.heartbeat_stale_trial_callback = trials.try_again
        self._signs: dict[int, _Sign] = {}
        self._looked = -1e9  # when last; and since when without a gap:
        self._since = 0.0

    def look(self) -> None:
        """Give back what is to be given back now; call it every `HEARTBEAT` seconds."""
        try:
            # Nobody on this machine is between asking and marking now.
            with FileLock(self._folder.claim_lock, timeout=1):
                self._give_back()
        except Timeout:
            return
        except Exception as error:
            if not is_away(error):
                raise

    def _give_back(self) -> None:
        running = self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        for trial in running:
            if owners.is_gone(self._folder, trial.user_attrs.get(trials.OWNER)):
                trials.give_back(self._study, trial, "its worker's machine or process ended")
        now = time.monotonic()
        if now - self._looked > 2 * HEARTBEAT:
            self._since = now
        self._looked = now
        self._signs = {t.number: self._sign(t, now) for t in running if self._watched(t)}
        if self._folder.url is None or now - self._since < GRACE:
            return
        for trial in running:
            sign = self._signs.get(trial.number)
            if sign and now - sign.at > GRACE:
                trials.give_back(self._study, trial, f"its worker was silent for {GRACE} s")
        with warnings.catch_warnings():
            # Marked experimental since 2.9.
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            fail_stale_trials(self._study)

    def _watched(self, trial: FrozenTrial) -> bool:
        """Whether `trial` is for us to watch, because Optuna has no heartbeat of it."""
        return trials.OWNER not in trial.user_attrs or trials.BEAT in trial.system_attrs

    def _sign(self, trial: FrozenTrial, now: float) -> _Sign:
        count, known = trial.system_attrs.get(trials.BEAT, 0), self._signs.get(trial.number)
        return known if known and known.count == count else _Sign(count, now)
