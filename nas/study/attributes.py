"""What a study says of itself in its storage, so that another machine needs nothing else.

Settings and figures only. The search space's source is not among them, for a worker would run it:
each machine has the space itself, and the study says by a digest which it is.
"""

import hashlib
import time
import uuid
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna

from nas.errors import SpaceError
from nas.spaces import Space
from nas.study import config as configuration
from nas.study.config import StudyConfig

SETTINGS = "nas:settings"  # the study's system attributes
SPACE = "nas:space"  # SHA-256 of its source
IDENTITY = "nas:identity"
WAIT = 10  # seconds for another process that has made the study to say what it is
OF_A_MACHINE = ("workers", "device", "storage")  # settings that each has of its own


def publish(study: optuna.Study, config: StudyConfig, space: Space) -> None:
    """Write into the study what it is."""
    said = _attributes(study)
    new: dict[str, Any] = {SPACE: digest(space.path)}
    # Settings are the last: a study that has them has all of it.
    for name, value in {**new, SETTINGS: _common(config)}.items():
        if said.get(name) != value:
            study._storage.set_study_system_attr(study._study_id, name, value)


def settings(study: optuna.Study) -> dict[str, Any] | None:
    """The study's settings; None if it was made by a version of nas that kept them in a file."""
    found = _attributes(study).get(SETTINGS)
    return configuration.recorded(found) if found is not None else None


def awaited(study: optuna.Study) -> dict[str, Any] | None:
    """The settings of a study that another process may be making right now; None if they do not
    come, so that it was broken off, or is a study of another program."""
    deadline = time.monotonic() + WAIT
    while (found := settings(study)) is None and time.monotonic() < deadline:
        time.sleep(0.2)
    return found


def identify(study: optuna.Study) -> str:
    """What tells this study from any other, of the same name too. It is given once."""
    known = _attributes(study).get(IDENTITY)
    if known is None:
        known = uuid.uuid4().hex
        study._storage.set_study_system_attr(study._study_id, IDENTITY, known)
    return str(known)


def totals(study: optuna.Study, config: StudyConfig) -> StudyConfig:
    """`config` with the trials and draws that the study wants now: a search may have gone on."""
    found = settings(study)
    if found is None:
        return config
    return replace(config, trials=found["trials"], max_draws=found.get("max_draws"))


def check_space(study: optuna.Study, space: Space) -> None:
    """Raise `SpaceError` if `space` is not the one that the study draws from."""
    wanted = _attributes(study).get(SPACE)
    if wanted is not None and wanted != digest(space.path):
        raise SpaceError(
            f"space {space.name}: {space.path} is not the file that study {study.study_name} was "
            "made with: give that one with --space, or install the version of nas that made it"
        )


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _common(config: StudyConfig) -> Mapping[str, Any]:
    every = configuration.to_settings(config)
    return {name: value for name, value in every.items() if name not in OF_A_MACHINE}


def _attributes(study: optuna.Study) -> Mapping[str, Any]:
    return study._storage.get_study_system_attrs(study._study_id)
