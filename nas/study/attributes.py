"""The study's settings, identity and space digest, as attributes in its storage.

The storage is authoritative; study.toml is a record for people. Another machine needs only the
storage and the search space. The space's source is not stored, because workers would execute it:
each machine has its own copy, which must match the stored digest.
"""

import hashlib
import time
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna

from nas.errors import SpaceError, StudyError
from nas.setting import Scope
from nas.spaces import Space
from nas.storage.adapter import set_study_attribute, study_attributes
from nas.study import config as configuration
from nas.study.config import SETTINGS, StudyConfig
from nas.study.folder import Folder, stored_settings
from nas.version import installed_version

# The study's system attributes.
STUDY_SETTINGS = "nas:settings"
VERSION = "nas:version"  # of nas that created the study
SPACE = "nas:space"  # SHA-256 of its source
IDENTITY = "nas:identity"
WAIT = 10  # seconds to wait for another process to write the settings of a new study


def publish(study: optuna.Study, config: StudyConfig, space: Space) -> None:
    """Write the settings, the version of nas and the space's digest into the study."""
    machine_settings = configuration.named(Scope.MACHINE)
    every = configuration.to_settings(config)
    settings = {name: value for name, value in every.items() if name not in machine_settings}
    known = study_attributes(study)
    new = {VERSION: known.get(VERSION, installed_version()), SPACE: digest(space.path)}
    # Settings are written last: a study with settings is complete.
    for name, value in {**new, STUDY_SETTINGS: settings}.items():
        if known.get(name) != value:
            set_study_attribute(study, name, value)


def settings(study: optuna.Study) -> dict[str, Any] | None:
    """The study's settings; None if it has none yet.

    Raises `StudyError` if a version of nas with different settings wrote them.
    """
    attributes = study_attributes(study)
    found = attributes.get(STUDY_SETTINGS)
    if found is None:
        return None
    machine_settings = configuration.named(Scope.MACHINE)
    needed = [name for name, one in SETTINGS.items() if one.default is not None]
    missing = [name for name in needed if name not in found and name not in machine_settings]
    unknown = [name for name in found if name not in SETTINGS]
    if missing or unknown:
        version = f"nas {attributes[VERSION]}" if attributes.get(VERSION) else "an earlier version"
        raise StudyError(
            f"study {study.study_name} was created by {version}, whose settings differ from "
            f"those of nas {installed_version()} ({', '.join(missing + unknown)}): "
            "use that version, or choose another --study"
        )
    return dict(found)


def wait_for_settings(study: optuna.Study) -> dict[str, Any] | None:
    """The settings of a study that another process may be creating right now.

    None after `WAIT` seconds: creation was interrupted, or another program owns the study.
    """
    deadline = time.monotonic() + WAIT
    while (found := settings(study)) is None and time.monotonic() < deadline:
        time.sleep(0.2)
    return found


def config(study: optuna.Study, folder: Folder) -> StudyConfig:
    """The configuration of an existing study: its settings and those of this machine.

    Raises `StudyError` if the study has no settings.
    """
    found = settings(study)
    if found is None:
        raise StudyError(
            f"study {folder.name} has no settings in its storage: run `nas search` first"
        )
    own = [*configuration.named(Scope.MACHINE), "artifacts"]
    stored = stored_settings(folder)
    if not configuration.changes(found, {"dataset": stored.get("dataset")}, Scope.STUDY):
        own.append("dataset")  # the same data set, perhaps in a folder of this machine
    here = {name: stored[name] for name in own if name in stored}
    return configuration.from_settings({**found, **here})


def edits(study: optuna.Study, folder: Folder) -> list[str]:
    """`name old -> new` for each setting that differs between the study and study.toml.

    On a shared storage trials and draws are ignored, because another machine may have raised them.
    """
    scopes = [Scope.STUDY] if folder.url else [Scope.STUDY, Scope.RUN]
    return configuration.changes(settings(study) or {}, stored_settings(folder), *scopes)


def identify(study: optuna.Study) -> str:
    """The study's unique identifier; creates it on first use."""
    known = study_attributes(study).get(IDENTITY)
    if known is None:
        known = uuid.uuid4().hex
        set_study_attribute(study, IDENTITY, known)
    return str(known)


def totals(study: optuna.Study, config: StudyConfig) -> StudyConfig:
    """`config` with the study's current trials and draws, which a resumed search may change."""
    found = settings(study)
    if found is None:
        return config
    return replace(config, trials=found["trials"], max_draws=found.get("max_draws"))


def check_space(study: optuna.Study, space: Space) -> None:
    """Raise `SpaceError` if `space` is not the space of the study."""
    wanted = study_attributes(study).get(SPACE)
    if wanted is not None and wanted != digest(space.path):
        raise SpaceError(
            f"space {space.name}: {space.path} is not the file that study {study.study_name} was "
            "made with: give that file with --space, or install the version of nas that made it"
        )


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def edit_notice(folder: Folder, changed: list[str]) -> str:
    """Message about settings that were edited in study.toml."""
    return (
        f"{folder.settings} was edited ({', '.join(changed)}), but it is only a record: the "
        "study's settings are in its storage"
    )
