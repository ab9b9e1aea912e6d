"""A study's folder: find it by name or path, and locate its files."""

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
    """The folder of a study, and the URL of its storage if that is not in the folder."""

    path: Path
    url: str | None = field(default=None, repr=False)  # with its password

    @property
    def name(self) -> str:
        return self.path.resolve().name

    @property
    def given(self) -> str:
        """The study as an argument of a command: its name under ./studies, or its path."""
        if self.path.parent == STUDIES and NAME.fullmatch(self.path.name):
            return self.path.name
        text = str(self.path)
        return text if os.sep in text or text in (".", "..") else f".{os.sep}{text}"

    @property
    def location(self) -> Location:
        """The location of the Optuna study."""
        return Location(self.name, self.database, self.url)

    @property
    def settings(self) -> Path:
        return self.path / "study.toml"

    @property
    def database(self) -> Path:
        return self.path / "study.db"

    @property
    def storage(self) -> str | None:
        """The URL of its storage without a password; None if the storage is `database`."""
        return backends.redacted(self.url) if self.url else None

    @property
    def space(self) -> Path:
        return self.path / "space.py"

    @property
    def search_lock(self) -> Path:
        """Held by the process that supervises a search."""
        return self.path / ".search.lock"

    @property
    def verify_lock(self) -> Path:
        """Held by `nas verify`."""
        return self.path / ".verify.lock"

    @property
    def claim_lock(self) -> Path:
        """Held by a worker while it counts the trials and takes the next one.

        It excludes workers of this machine; for other machines see `Scheduler`.
        """
        return self.path / ".claim.lock"

    @property
    def owners(self) -> Path:
        """Folder in which each process that supervises workers holds a lock."""
        return self.path / ".owners"

    def make(self) -> None:
        """Create the folder if it does not exist; raises `StudyError` if that fails."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self.unwritable(error) from None

    def unwritable(self, error: OSError) -> StudyError:
        """The error for a folder that cannot be written."""
        return StudyError(
            f"{self.path} cannot be written ({error.strerror}): choose another --study"
        )

    @contextmanager
    def held(self, lock_file: Path, what: str) -> Iterator[None]:
        """Context manager that holds a lock; raises `StudyError` if another process has it."""
        lock = FileLock(lock_file)
        try:
            lock.acquire(timeout=1)  # `nas status` holds it briefly
        except Timeout:
            raise StudyError(
                f"study {self.name} is being {what} by another process: wait until it ends"
            ) from None
        try:
            yield
        finally:
            lock.release()

    @property
    def trials(self) -> Path:
        """The files of trained candidates, a folder for each, unless `--artifacts` has them."""
        return self.path / "trials"

    def artifacts(self, config: StudyConfig) -> str:
        """Where the files of trained candidates are: a folder, or s3://BUCKET/FOLDER."""
        return config.artifacts or str(self.trials)

    def load_space(self, name: str) -> Space:
        """Load the search space `name` from the study's copy of its source."""
        return spaces.load(name, self.space)


def named(value: str) -> Folder:
    """The folder of a study, given by name under ./studies or by path."""
    if os.sep in value or value in (".", ".."):
        return Folder(Path(value))
    if not NAME.fullmatch(value):
        raise StudyError(
            f"study {value!r}: a name has letters, digits, '.', '+', '-' and '_'; "
            "for anything else give a path, ./like-this"
        )
    return Folder(STUDIES / value)


def existing(value: str | None) -> Folder:
    """The study called `value`, by default the most recently written one under ./studies."""
    files = STUDIES.glob("*/study.toml")
    studies = [folder for file in files if (folder := _with_storage(Folder(file.parent)))]
    studies.sort(key=_last_written)
    if value is None:
        if not studies:
            raise StudyError(
                f"there is no study under {STUDIES.resolve()}: "
                "run `nas search` first, or name a study's folder"
            )
        return studies[-1]
    folder = _with_storage(named(value))
    if folder is None:
        _check_database(named(value))
        known = ", ".join(study.path.name for study in studies) or "none"
        beside = _with_storage(Folder(Path(value)))
        hint = f"; the folder ./{value} is a study, give it as ./{value}" if beside else ""
        raise StudyError(
            f"there is no study at {named(value).path}: under ./studies there is {known}{hint}"
        )
    return folder


def _with_storage(folder: Folder) -> Folder | None:
    """`folder` with the storage of its study; None if it holds no study."""
    if folder.database.is_file():
        return folder
    url = stored_settings(folder).get("storage")
    return replace(folder, url=backends.with_password(url)) if isinstance(url, str) else None


def placed(study: str | None, flags: Mapping[str, Any], url: str | None) -> Folder:
    """The folder and storage of the study that a search creates or resumes.

    `url` is the storage that the user gave. Raises `StudyError` if the study has another storage,
    `ConfigError` if `url` is not a storage.
    """
    defaults = StudyConfig()
    dataset, budget = flags.get("dataset", defaults.dataset), flags.get("budget", defaults.budget)
    folder = named(study or f"{configuration.dataset_name(dataset)}-{budget}")
    stored = _with_storage(folder)
    if url is not None:
        backends.kind(url)
    if stored is None or (stored.url and url):
        return replace(folder, url=url)
    if url is not None:
        raise StudyError(
            f"study {folder.name} is kept in {folder.database} and not in "
            f"{backends.redacted(url)}: leave out --storage and {backends.VARIABLE}, "
            "or choose another --study"
        )
    return stored


def _check_database(folder: Folder) -> None:
    """Raise `StudyError` if the folder has a study's tables, but no database or storage URL.

    It is a reference study, or its study.db was moved.
    """
    if _with_storage(folder) is None and (folder.path / "trials.csv").is_file():
        raise StudyError(
            f"{folder.path} holds a study's tables without its database, {folder.database.name}: "
            "read its CSV files, put the database back, or choose another study"
        )


def check_is_new(folder: Folder) -> None:
    """Raise `StudyError` if a new study in `folder` would replace an existing one.

    That study is in another storage, or only its tables are left.
    """
    kept = stored_settings(folder).get("storage")
    if kept is None:
        _check_database(folder)
    if kept is not None and kept != folder.storage:
        raise StudyError(
            f"study {folder.name} is kept in {kept}, and {folder.storage} does not hold it: "
            "leave out --storage, or choose another --study"
        )


def stored_settings(folder: Folder) -> dict[str, Any]:
    """The settings in the folder's study.toml; empty if the file does not exist."""
    return configuration.read(folder.settings) if folder.settings.is_file() else {}


def _last_written(folder: Folder) -> float:
    """Modification time of the database or its write-ahead log; of the tables if there is a URL."""
    wal = folder.database.with_name(f"{folder.database.name}-wal")
    files = [folder.settings, folder.path / "trials.csv"] if folder.url else [folder.database, wal]
    return max(file.stat().st_mtime for file in files if file.exists())
