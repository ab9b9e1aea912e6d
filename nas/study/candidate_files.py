"""The files of a trained candidate: its source and its weights."""

from typing import TYPE_CHECKING

import optuna
from safetensors.torch import save

from nas.export.source import model
from nas.storage.retry import retrying
from nas.study import artifacts
from nas.study.config import StudyConfig
from nas.study.folder import Folder

if TYPE_CHECKING:
    from nas.architecture import Architecture
    from nas.data.images import Normalizer
    from nas.training.fit import Fit


def keep(
    study: optuna.Study,
    trial: optuna.Trial,
    folder: Folder,
    config: StudyConfig,
    architecture: "Architecture",
    trained: "Fit",
    normalizer: "Normalizer",
) -> None:
    """Write the files of `trial` and list them in it.

    The trial is still open: Optuna attaches nothing to a finished one, and the files of a trial
    that counts as trained must exist. While the disk is full or the place unreachable, this waits
    as it does for a storage.
    """
    title = f"Trial {trial.number} of study {folder.name}"
    source = model(architecture, title, normalizer.mean, normalizer.std)
    contents = {"model.py": source.encode(), "weights.safetensors": save(trained.weights)}
    store = artifacts.ArtifactStore(folder.artifacts(config))
    for filename, content in contents.items():
        name = f"{trial.number}/{filename}"
        retrying(study)(store.save, name, content)
        artifacts.attach(trial, name)
