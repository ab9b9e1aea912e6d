"""Prepare a search: settings and space of a new or resumed study."""

import os
import platform
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import optuna

from nas import spaces
from nas.errors import StudyError
from nas.files import write_whole
from nas.setting import Scope
from nas.spaces import Space
from nas.study import attributes
from nas.study import config as configuration
from nas.study.config import StudyConfig
from nas.study.folder import Folder, stored_settings
from nas.training.machine import Machine
from nas.version import installed_version


def prepare(
    folder: Folder,
    flags: Mapping[str, Any],
    study: optuna.Study | None,
    space_file: str | None = None,
) -> tuple[StudyConfig, Space]:
    """The configuration and the space for a search of a new or resumed study.

    `flags` are the settings that the user gave. An existing `study` has its settings in its
    storage: flags that contradict them raise `StudyError`. For a new study, a study.toml in the
    folder supplies missing flags. `space_file` is the space's file on this machine.
    """
    own = attributes.settings(study) if study else None
    if study is None or own is None:
        stored = stored_settings(folder)
    else:
        _check_unchanged(folder, study, own, flags)
        stored = configuration.to_settings(attributes.config(study, folder))
    storage = {"storage": folder.storage} if folder.storage else {}
    config = configuration.from_settings({**stored, **flags, **storage})
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
    """Write study.toml and the copy of the search space; raises `StudyError` if that fails.

    Appends this machine's versions, and `machine` if given, to the environments in study.toml,
    unless they are listed there.
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
    """Versions and hardware that affect results."""
    packages = ("torch", "torchvision", "optuna", "numpy", "scikit-learn")
    return {
        "python": platform.python_version(),
        "nas": installed_version(),
        **{name: version(name) for name in packages},
        "system": f"{platform.system()} {platform.machine()}",
        "cores": str(os.cpu_count()),
    }


def _check_unchanged(
    folder: Folder, study: optuna.Study, own: Mapping[str, Any], flags: Mapping[str, Any]
) -> None:
    changed = configuration.changes(own, flags, Scope.STUDY)
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
    edited = [text for text in attributes.edits(study, folder) if text.split()[0] not in flags]
    if edited:
        raise StudyError(
            f"{attributes.edit_notice(folder, edited)}: undo the edit, give --trials or "
            "--max-draws as flags, or choose another --study"
        )
