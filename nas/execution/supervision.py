"""What is common to all who have workers for a study, wherever those run."""

import optuna

from nas.execution.observer import Observer
from nas.execution.progress import Progress
from nas.execution.signals import Interrupts
from nas.execution.watch import Watch
from nas.storage import studies
from nas.study import attributes
from nas.study.config import StudyConfig
from nas.study.folder import Folder


class Supervision:
    """A study as its workers' supervisor sees it: what it wants, how far it is, who is lost."""

    def __init__(
        self,
        study: optuna.Study,
        folder: Folder,
        config: StudyConfig,
        owner: str | None,
        observer: Observer,
    ) -> None:
        """`owner` is who the trials of these workers belong to, if that is one alone."""
        self.study = study
        self.patient = studies.patient(study, observer.warn)
        self.folder = folder
        self.config = attributes.totals(self.patient, config)
        self.observer = observer
        self.progress = Progress(self.config.trials, self.config.recipe.epochs)
        self.interrupts = Interrupts()
        self._watch = Watch(study, folder, owner, self.progress, observer)

    def begin(self) -> int:
        """See what is there, and say that it begins; returns how many candidates are wanted."""
        self.look(now=True)
        self.observer.begin(self.folder, self.config, self.progress)
        return max(0, self.config.trials - self.progress.trained)

    def look(self, now: bool = False) -> None:
        """See what others did meanwhile, if it is time or `now`; an interrupt waits for it."""
        with self.interrupts.held():
            self._watch.look(now)
