"""What is common to all who have workers for a study, wherever those run."""

import optuna

from nas.search import shared, storage
from nas.search.config import StudyConfig
from nas.search.folder import Folder
from nas.search.observer import Observer
from nas.search.progress import Progress
from nas.search.stop import Interrupts
from nas.search.watch import Watch


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
        self.patient = storage.patient(study, observer.warn)
        self.folder = folder
        self.config = shared.totals(self.patient, config)
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
