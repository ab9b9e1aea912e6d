"""Assign trials to workers, so that exactly `--trials` candidates train."""

import optuna
from filelock import FileLock

from nas.execution.liveness import Heartbeat
from nas.records import trials
from nas.records.ledger import EXHAUSTED_AFTER, Ledger
from nas.storage import studies
from nas.study import attributes
from nas.study.config import StudyConfig
from nas.study.folder import Folder


class Scheduler:
    """Takes trials of a study for one worker.

    Workers of one machine hold a lock. Workers of different machines may count at the same time, so
    each counts again after it has created its trial, and withdraws the trial if there are more than
    `--trials`. The worker with the last trial sees all earlier ones, so the total is exact.
    """

    def __init__(
        self,
        study: optuna.Study,
        folder: Folder,
        config: StudyConfig,
        ledger: Ledger,
        heartbeat: Heartbeat,
        signature: dict[str, str],
    ) -> None:
        """`signature` is the attributes that identify the worker of a trial."""
        self._study = study
        self._config = config
        self._ledger = ledger
        self._heartbeat = heartbeat
        self._signature = signature
        self._lock = FileLock(folder.claim_lock)

    def take(self) -> optuna.Trial | str | None:
        """The next trial, the reason to end, or None while others train the last candidates."""
        with self._lock:
            self._ledger.update()
            config = attributes.totals(self._study, self._config)
            drawn, trained = self._ledger.drawn, self._ledger.trained
            if trained >= config.trials:
                return "complete"
            if self._ledger.exhausted:
                return (
                    f"the last {EXHAUSTED_AFTER} draws were duplicates: the space seems exhausted"
                )
            if drawn >= config.draws:
                return f"--max-draws {config.draws} reached"
            if trained + self._ledger.running >= config.trials:
                return None
            trial = self._study.ask()
            self._heartbeat.begin(trial)
            with studies.one_transaction(self._study):
                trials.set_attributes(trial, self._signature)
            self._ledger.update()
            if self._ledger.trained + self._ledger.running > config.trials:
                self._heartbeat.end()
                trials.withdraw(self._study, trials.frozen(self._study, trial))
                return None
            return trial
