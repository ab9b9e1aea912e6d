"""The study's folder: its files, and finding it by name or path."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from nas import spaces
from nas.errors import StudyError
from nas.spaces import Space
from nas.storage import backends
from nas.storage.location import Location
from nas.study import config as configuration
from nas.study.config import StudyConfig

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
    def location(self) -> Location:
        """Where its Optuna study is."""
        return Location(self.name, self.database, self.url)

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
        """Where the files attached to trials are, under Optuna's artifact ids."""
        return config.artifacts or str(self.path / "artifacts")

    def config(self) -> StudyConfig:
        """The configuration in study.toml."""
        return configuration.from_settings(configuration.read(self.settings))

    def load_space(self) -> Space:
        """The study's search space, from its own copy of the source."""
        return spaces.load(self.config().space, self.space)


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
        _check_database(named(value))
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
    url = stored_settings(folder).get("storage")
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


def _check_database(folder: Folder) -> None:
    """Raise `StudyError` if the folder holds a study's tables, and neither its database nor where
    that is: a reference study, or one whose study.db was moved away."""
    if _opened(folder) is None and (folder.path / "trials.csv").is_file():
        raise StudyError(
            f"{folder.path} holds a study's tables without its database, {folder.database.name}: "
            "read its CSV files, put the database back, or choose another study"
        )


def check_is_new(folder: Folder) -> None:
    """Raise `StudyError` if the folder's study is in another storage than `folder` has it in, or if
    the folder has the tables of a study whose database is gone: they would be overwritten."""
    kept = stored_settings(folder).get("storage")
    if kept is None:
        _check_database(folder)
    if kept is not None and kept != folder.storage:
        raise StudyError(
            f"study {folder.name} is kept in {kept}, and {folder.storage} does not hold it: "
            "leave out --storage, or choose another --study"
        )


def stored_settings(folder: Folder) -> dict[str, Any]:
    """The settings in the folder's study.toml; none if it has no such file."""
    return configuration.read(folder.settings) if folder.settings.is_file() else {}


def _last_written(folder: Folder) -> float:
    """When the database, or its write-ahead log, was last written; of one elsewhere, the tables."""
    wal = folder.database.with_name(f"{folder.database.name}-wal")
    files = [folder.settings, folder.path / "trials.csv"] if folder.url else [folder.database, wal]
    return max(file.stat().st_mtime for file in files if file.exists())
