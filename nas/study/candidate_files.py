"""The files of a trained candidate: in the study's folder, and attached to its trial."""

import json
from typing import TYPE_CHECKING

import optuna
import pandas as pd
from safetensors.torch import save

from nas.export.source import model
from nas.files import write_whole
from nas.storage import retry
from nas.study import artifacts
from nas.study.config import StudyConfig
from nas.study.folder import Folder

if TYPE_CHECKING:
    from nas.architecture import Architecture
    from nas.data.images import Normalizer
    from nas.training.fit import Fit

ATTACHED = ("model.py", "weights.safetensors", "curve.csv")  # as artifacts


def keep(
    study: optuna.Study,
    trial: optuna.Trial,
    folder: Folder,
    config: StudyConfig,
    architecture: "Architecture",
    trained: "Fit",
    normalizer: "Normalizer",
) -> None:
    """Write the files of `trial`, which is still open: Optuna takes no artifacts later, and what
    the study counts as trained is then there. A full disk is waited for, as a storage is that is
    away."""
    title = f"Trial {trial.number} of study {folder.name}"
    contents: dict[str, str | bytes] = {
        "architecture.json": json.dumps(architecture.to_json(), indent=1),
        "model.py": model(architecture, title, normalizer.mean, normalizer.std),
        "weights.safetensors": save(trained.weights),
        "curve.csv": pd.DataFrame(trained.curve).to_csv(index=False),
    }
    own = folder.trial(trial.number)

    def write() -> None:
        own.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            write_whole(own / name, content)

    patiently = retry.retrying(study)
    patiently(write)
    for name in ATTACHED:
        patiently(
            optuna.artifacts.upload_artifact,
            artifact_store=artifacts.store(folder.artifacts(config)),
            file_path=str(own / name),
            study_or_trial=trial,
        )
