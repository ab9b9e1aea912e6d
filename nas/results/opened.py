"""A study as its results need it: settings, records and runs, read once."""

from dataclasses import dataclass

import optuna

from nas.records import Record, Run, Verification, pareto_front, verifications
from nas.search import folder as folders
from nas.search import storage, trials
from nas.search.config import StudyConfig
from nas.search.folder import Folder


@dataclass(frozen=True, slots=True)
class Opened:
    """A study at one moment."""

    folder: Folder
    config: StudyConfig
    study: optuna.Study
    records: list[Record]
    runs: list[Run]  # of `nas verify`

    @property
    def front(self) -> list[Record]:
        """The Pareto front by rising parameters."""
        return pareto_front(self.records)

    @property
    def verified(self) -> dict[int, Verification]:
        """What `nas verify` found, by trial."""
        return verifications(self.runs)


def opened(name: str | None) -> Opened:
    """The study called `name`, or the most recent one; raises `StudyError` if there is none."""
    return read(folders.existing(name))


def read(folder: Folder, study: optuna.Study | None = None) -> Opened:
    """The study in `folder` as it is now; `study` is it, if it has been loaded before."""
    study = study or storage.load(folder.database, folder.name)
    return Opened(folder, folder.config(), study, trials.records(study), trials.runs(study))
