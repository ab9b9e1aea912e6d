"""The study's folder: its files, and creating or resuming what is in it."""

import os
import platform
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from nas.errors import StudyError
from nas.files import write_whole
from nas.search import artifacts, backends, early_stop, samplers, space
from nas.search import config as configuration
from nas.search.config import StudyConfig
from nas.search.space import Space
from nas.training.machine import Machine

STUDIES = Path("studies")
NAME = re.compile(r"\w[\w.+-]*")


@dataclass(frozen=True, slots=True)
class Folder:
    """Where a study lives."""

    path: Path
    url: str | None = field(default=None, repr=False)  # of its storage, with a password; or None

    @property
    def name(self) -> str:
        return self.path.resolve().name

    @property
    def given(self) -> str:
        """What names the study in a command: its name under ./studies, or its path."""
        if self.path.parent == STUDIES and NAME.fullmatch(self.path.name):
            return self.path.name
        text = str(self.path)
        return text if os.sep in text or text in (".", "..") else f".{os.sep}{text}"

    @property
    def settings(self) -> Path:
        return self.path / "study.toml"

    @property
    def database(self) -> Path:
        return self.path / "study.db"

    @property
    def storage(self) -> str | None:
        """The URL of its storage, fit to be seen; None where that is `database`."""
        return backends.redacted(self.url) if self.url else None

    @property
    def space(self) -> Path:
        return self.path / "space.py"

    @property
    def search_lock(self) -> Path:
        """Held by the process that supervises a search, as long as it runs."""
        return self.path / ".search.lock"

    @property
    def verify_lock(self) -> Path:
        """Held by `nas verify`, as long as it runs."""
        return self.path / ".verify.lock"

    @property
    def claim_lock(self) -> Path:
        """Held by a worker while it counts the trials and takes the next: one at a time on a
        machine. Workers of other machines are dealt with by counting again."""
        return self.path / ".claim.lock"

    @property
    def owners(self) -> Path:
        """Where each process that supervises workers of the study holds a lock."""
        return self.path / ".owners"

    def make(self) -> None:
        """Make the folder, if it is not there; raises `StudyError` where that is not possible."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self.unwritable(error) from None

    def unwritable(self, error: OSError) -> StudyError:
        """What the user is told of a folder that cannot be written."""
        return StudyError(
            f"{self.path} cannot be written ({error.strerror}): choose another --study"
        )

    @contextmanager
    def held(self, lock_file: Path, what: str) -> Iterator[None]:
        """Hold a lock of this study; raises `StudyError` if another process has it."""
        lock = FileLock(lock_file)
        try:
            lock.acquire(timeout=1)  # `nas status` holds it for an instant
        except Timeout:
            raise StudyError(
                f"study {self.name} is being {what} by another process: wait for it"
            ) from None
        try:
            yield
        finally:
            lock.release()

    def trial(self, number: int) -> Path:
        return self.path / "trials" / str(number)

    def artifacts(self, config: StudyConfig) -> str:
        """Where the files attached to trials are, by Optuna's names for them: see
        `nas.search.artifacts`."""
        return config.artifacts or str(self.path / "artifacts")

    def config(self) -> StudyConfig:
        """The configuration in study.toml."""
        return configuration.from_settings(configuration.read(self.settings))

    def load_space(self) -> Space:
        """The study's search space, from its own copy of the source."""
        return space.load(self.config().space, self.space)


def named(value: str) -> Folder:
    """The folder of a study given by name, under ./studies, or by path."""
    if os.sep in value or value in (".", ".."):
        return Folder(Path(value))
    if not NAME.fullmatch(value):
        raise StudyError(
            f"study {value!r}: a name has letters, digits, '.', '+', '-' and '_'; "
            "anything else is given as a path, ./like-this"
        )
    return Folder(STUDIES / value)


def existing(value: str | None) -> Folder:
    """The study called `value`; without one, that under ./studies which was written to last."""
    files = STUDIES.glob("*/study.toml")
    studies = [folder for file in files if (folder := _opened(Folder(file.parent)))]
    studies.sort(key=_last_written)
    if value is None:
        if not studies:
            raise StudyError(
                f"there is no study under {STUDIES.resolve()}: "
                "run `nas search` first, or name a study's folder"
            )
        return studies[-1]
    folder = _opened(named(value))
    if folder is None:
        known = ", ".join(study.path.name for study in studies) or "none"
        beside = _opened(Folder(Path(value)))
        hint = f"; the folder ./{value} is one, give it with its ./" if beside else ""
        raise StudyError(
            f"there is no study at {named(value).path}: under ./studies there is {known}{hint}"
        )
    return folder


def _opened(folder: Folder) -> Folder | None:
    """`folder` with the storage of the study in it; None if it holds none."""
    if folder.database.is_file():
        return folder
    url = _stored(folder).get("storage")
    return replace(folder, url=backends.completed(url)) if isinstance(url, str) else None


def placed(study: str | None, flags: Mapping[str, Any], url: str | None) -> Folder:
    """The folder of the study that a search makes or resumes, with its storage.

    `url` is the storage that the user gave. Raises `StudyError` if the study there is kept in
    another place, `ConfigError` if it is no storage.
    """
    defaults = StudyConfig()
    dataset, budget = flags.get("dataset", defaults.dataset), flags.get("budget", defaults.budget)
    folder = named(study or f"{configuration.dataset_name(dataset)}-{budget}")
    there = _opened(folder)
    if url is not None:
        backends.kind(url)
    if there is None or (there.url and url):
        return replace(folder, url=url)
    if url is not None:
        raise StudyError(
            f"study {folder.name} is kept in {folder.database} and not in "
            f"{backends.redacted(url)}: leave out --storage and {backends.VARIABLE}, "
            "or choose another --study"
        )
    return there


def check_is_new(folder: Folder) -> None:
    """Raise `StudyError` if the folder's study is in another storage than `folder` has it in."""
    kept = _stored(folder).get("storage")
    if kept is not None and kept != folder.storage:
        raise StudyError(
            f"study {folder.name} is kept in {kept}, and {folder.storage} does not hold it: "
            "leave out --storage, or choose another --study"
        )


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
    stored = _stored(folder)
    if own is not None:
        _refuse_changes(folder, own, stored, flags)
        here = {name: stored[name] for name in ("artifacts",) if name in stored}
        stored = {**stored, **own, **here}
    config = configuration.from_settings({**stored, **flags, **_place(folder)})
    samplers.check(config.sampler)
    early_stop.rule(config.early_stop)
    if config.artifacts:
        artifacts.check(config.artifacts)
    file = space.locate(space_file) if space_file else None
    if file is None and own is not None and folder.space.is_file():
        file = folder.space
    chosen = space.load(config.space, file)
    if own is None:
        space.probe(chosen, config.task)
    return config, chosen


def _stored(folder: Folder) -> dict[str, Any]:
    return configuration.read(folder.settings) if folder.settings.is_file() else {}


def _place(folder: Folder) -> dict[str, str]:
    return {"storage": folder.storage} if folder.storage else {}


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
    packages = ("nas", "torch", "torchvision", "optuna", "numpy", "scikit-learn")
    return {
        "python": platform.python_version(),
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
        now = space.locate(given).read_bytes()
        if now != folder.space.read_bytes():
            changed = [f"space {given} has other content than the study's copy, {folder.space}"]
    if changed:
        raise StudyError(
            f"study {folder.name} exists with other settings: {', '.join(changed)}: "
            "leave them out to resume it, or choose another --study"
        )


def _last_written(folder: Folder) -> float:
    """When the database, or its write-ahead log, was last written; of one elsewhere, the tables."""
    wal = folder.database.with_name(f"{folder.database.name}-wal")
    files = [folder.settings, folder.path / "trials.csv"] if folder.url else [folder.database, wal]
    return max(file.stat().st_mtime for file in files if file.exists())
