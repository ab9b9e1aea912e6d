"""A study as it was at one moment: settings, records and runs, read once."""

from dataclasses import dataclass
from pathlib import Path

import optuna

from nas.errors import StudyError
from nas.records import Record, Run, Verification, pareto_front, trials, verifications
from nas.storage import studies
from nas.study import artifacts, attributes
from nas.study import folder as folders
from nas.study.config import StudyConfig
from nas.study.folder import Folder


@dataclass(frozen=True, slots=True)
class StudyView:
    """A study as it was at one moment."""

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
        """The results of `nas verify`, by trial."""
        return verifications(self.runs)

    def weights(self, record: Record) -> Path:
        """The file with the weights of a trained candidate, downloaded if they are in a bucket;
        raises `StudyError` if they are lost."""
        name = f"{record.number}/weights.safetensors"
        place = self.folder.artifacts(self.config)
        for path in (self.folder.trials / name, Path(place) / name):
            if path.is_file():
                return path
        content = artifacts.ArtifactStore(place).read(name)
        if content is None:
            raise StudyError(
                f"the weights of trial {record.number} are not in {place}: put {name} back, "
                "or choose another trial"
            )
        artifacts.ArtifactStore(str(self.folder.trials)).save(name, content)
        return self.folder.trials / name


def open_study(name: str | None) -> StudyView:
    """The study called `name`, or the most recent one; raises `StudyError` if there is none."""
    return read(folders.existing(name))


def read(folder: Folder, study: optuna.Study | None = None) -> StudyView:
    """The study in `folder` as it is now; `study` is its Optuna study if that is loaded already."""
    study = study or studies.load(folder.location)
    with studies.explained(folder.location):
        records, runs = trials.records(study), trials.runs(study)
    return StudyView(folder, attributes.config(study, folder), study, records, runs)
