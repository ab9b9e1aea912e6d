"""A study as its results need it: settings, records and runs, read once."""

from dataclasses import dataclass
from pathlib import Path

import optuna

from nas.errors import StudyError
from nas.records import Record, Run, Verification, pareto_front, trials, verifications
from nas.storage import studies
from nas.study import artifacts
from nas.study import folder as folders
from nas.study.config import StudyConfig
from nas.study.folder import Folder


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

    def weights(self, record: Record) -> Path:
        """The file with the weights of a trained candidate, brought here from another machine if
        need be; raises `StudyError` if it is lost."""
        path, name = self.folder.trial(record.number), "weights.safetensors"
        place = self.folder.artifacts(self.config)
        if not (path / name).is_file():
            trial = self.study.get_trials(deepcopy=False)[record.number]
            if not artifacts.fetch(self.study, trial, name, place, path / name):
                raise StudyError(
                    f"the weights of trial {record.number} are neither in {path} nor in {place}: "
                    "put them back, or choose another trial"
                )
        return path / name


def opened(name: str | None) -> Opened:
    """The study called `name`, or the most recent one; raises `StudyError` if there is none."""
    return read(folders.existing(name))


def read(folder: Folder, study: optuna.Study | None = None) -> Opened:
    """The study in `folder` as it is now; `study` is it, if it has been loaded before."""
    study = study or studies.load(folder.location)
    with studies.explained(folder.location):
        records, runs = trials.records(study), trials.runs(study)
    return Opened(folder, folder.config(), study, records, runs)
