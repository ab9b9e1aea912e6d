"""Which trial a worker takes next: exactly as many train as the search wants, whoever works."""

import optuna
from filelock import FileLock

from nas.execution.reaper import Beat
from nas.records import trials
from nas.records.ledger import EXHAUSTED_AFTER, Ledger
from nas.storage import studies
from nas.study import attributes
from nas.study.config import StudyConfig
from nas.study.folder import Folder


class Claims:
    """Takes trials of a study for one worker.

    Workers of one machine take turns. Others may count the same trials at the same moment, so each
    counts again when its own is among them: whoever took the last one sees all before it. So the
    total is exact; a trial that was one too many is withdrawn.
    """

    def __init__(
        self,
        study: optuna.Study,
        folder: Folder,
        config: StudyConfig,
        ledger: Ledger,
        beat: Beat,
        signature: dict[str, str],
    ) -> None:
        """`signature` are the attributes that say whose a trial is."""
        self._study = study
        self._config = config
        self._ledger = ledger
        self._beat = beat
        self._signature = signature
        self._lock = FileLock(folder.claim_lock)

    def take(self) -> optuna.Trial | str | None:
        """The next trial; or why there is none; or None while others train the last ones."""
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
            trial = studies.ask(self._study)
            self._beat.begin(trial)
            with studies.in_one_go(self._study):
                trials.set_attributes(trial, self._signature)
            self._ledger.update()
            if self._ledger.trained + self._ledger.running > config.trials:
                self._beat.end()
                trials.withdraw(self._study, trials.frozen(self._study, trial))
                return None
            return trial
