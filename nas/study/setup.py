"""Preparing a search: the settings and the space of a new study, or of one that is resumed."""

import os
import platform
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from nas import spaces
from nas.errors import StudyError
from nas.files import write_whole
from nas.pruning import early_stopping
from nas.sampling import samplers
from nas.spaces import Space
from nas.study import artifacts
from nas.study import config as configuration
from nas.study.config import StudyConfig
from nas.study.folder import Folder, stored_settings
from nas.training.machine import Machine
from nas.version import installed_version


def prepare(
    folder: Folder,
    flags: Mapping[str, Any],
    own: Mapping[str, Any] | None,
    space_file: str | None = None,
) -> tuple[StudyConfig, Space]:
    """The configuration and the space for a search: of a new study, or of one that is resumed.

    `flags` are the settings that the user gave; a study.toml that is already in the folder fills
    in the others. `own` are the settings of a study that exists, and the law: what would change
    what the study is raises `StudyError`. `space_file` is where this machine has the space.
    """
    stored = stored_settings(folder)
    if own is not None:
        _refuse_changes(folder, own, stored, flags)
        here = {name: stored[name] for name in ("artifacts",) if name in stored}
        stored = {**stored, **own, **here}
    config = configuration.from_settings({**stored, **flags, **_place(folder)})
    samplers.check(config.sampler)
    early_stopping.rule(config.early_stop)
    if config.artifacts:
        artifacts.check(config.artifacts)
    file = spaces.locate(space_file) if space_file else None
    if file is None and own is not None and folder.space.is_file():
        file = folder.space
    chosen = spaces.load(config.space, file)
    if own is None:
        spaces.probe(chosen, config.task)
    return config, chosen


def write(
    folder: Folder, config: StudyConfig, chosen: Space, machine: Machine | None = None
) -> None:
    """Write study.toml and the copy of the search space; raises `StudyError` where it cannot.

    `machine` is the one that trains, where that is one. What it is, and the versions here, stand in
    study.toml behind those of former searches, unless they are among them.
    """
    folder.make()
    made_with = configuration.environments(folder.settings) if folder.settings.is_file() else []
    now = versions() | ({"device": str(machine)} if machine else {})
    if now not in made_with:
        made_with.append(now)
    try:
        write_whole(folder.settings, configuration.write(config, made_with))
        if chosen.path != folder.space:
            write_whole(folder.space, chosen.path.read_bytes())
    except OSError as error:
        raise folder.unwritable(error) from None


def versions() -> dict[str, str]:
    """The versions of what decides a result."""
    packages = ("torch", "torchvision", "optuna", "numpy", "scikit-learn")
    return {
        "python": platform.python_version(),
        "nas": installed_version(),
        **{name: version(name) for name in packages},
        "system": f"{platform.system()} {platform.machine()}",
        "cores": str(os.cpu_count()),
    }


def _refuse_changes(
    folder: Folder, own: Mapping[str, Any], stored: Mapping[str, Any], flags: Mapping[str, Any]
) -> None:
    settled = configuration.to_settings(configuration.from_settings(own))
    changed = configuration.differences(settled, {**stored, **flags})
    given = str(flags.get("space", ""))
    if not changed and given.endswith(".py") and folder.space.is_file():
        now = spaces.locate(given).read_bytes()
        if now != folder.space.read_bytes():
            changed = [f"space {given} has other content than the study's copy, {folder.space}"]
    if changed:
        raise StudyError(
            f"study {folder.name} exists with other settings: {', '.join(changed)}: "
            "leave them out to resume it, or choose another --study"
        )


def _place(folder: Folder) -> dict[str, str]:
    return {"storage": folder.storage} if folder.storage else {}
