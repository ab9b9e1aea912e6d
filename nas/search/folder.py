"""The study's folder: its files, and creating or resuming what is in it."""

import os
import platform
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from nas.errors import StudyError
from nas.files import write_whole
from nas.search import config as configuration
from nas.search import early_stop, samplers, space
from nas.search.config import StudyConfig
from nas.search.space import Space

if TYPE_CHECKING:
    from optuna.artifacts import FileSystemArtifactStore

STUDIES = Path("studies")


@dataclass(frozen=True, slots=True)
class Folder:
    """Where a study lives."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.resolve().name

    @property
    def settings(self) -> Path:
        return self.path / "study.toml"

    @property
    def database(self) -> Path:
        return self.path / "study.db"

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
        """Held by a worker while it counts the trials and takes the next."""
        return self.path / ".claim.lock"

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

    def artifact_store(self) -> "FileSystemArtifactStore":
        """Where the files attached to trials are, by Optuna's names for them."""
        from optuna.artifacts import FileSystemArtifactStore

        place = self.path / "artifacts"
        place.mkdir(exist_ok=True)
        return FileSystemArtifactStore(place)

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
    if not re.fullmatch(r"\w[\w.+-]*", value):
        raise StudyError(
            f"study {value!r}: a name has letters, digits, '.', '+', '-' and '_'; "
            "anything else is given as a path, ./like-this"
        )
    return Folder(STUDIES / value)


def existing(value: str | None) -> Folder:
    """The study called `value`; without one, that under ./studies which was written to last."""
    studies = sorted(STUDIES.glob("*/study.db"), key=_last_written)
    if value is None:
        if not studies:
            raise StudyError(
                f"there is no study under {STUDIES.resolve()}: "
                "run `nas search` first, or name a study's folder"
            )
        return Folder(studies[-1].parent)
    folder = named(value)
    if not folder.database.is_file():
        known = ", ".join(path.parent.name for path in studies) or "none"
        beside = Folder(Path(value)).database.is_file()
        hint = f"; the folder ./{value} is one, give it with its ./" if beside else ""
        raise StudyError(
            f"there is no study at {folder.path}: under ./studies there is {known}{hint}"
        )
    return folder


def prepare(study: str | None, flags: Mapping[str, Any]) -> tuple[Folder, StudyConfig, Space]:
    """The folder, configuration and space for a search: a new study, or one that is resumed.

    `flags` are the settings that the user gave; a study.toml that is already in the folder fills
    in the others. For a study that has a database it is the law: a flag that would change what the
    study is raises `StudyError`.
    """
    defaults = StudyConfig()
    dataset, budget = flags.get("dataset", defaults.dataset), flags.get("budget", defaults.budget)
    folder = named(study or f"{dataset}-{budget}")
    stored = configuration.read(folder.settings) if folder.settings.is_file() else {}
    resumed = folder.database.exists()
    if resumed:
        if not stored:
            raise StudyError(
                f"{folder.path} holds a study.db and no study.toml: put it back, "
                "or choose another --study"
            )
        _refuse_changes(folder, stored, flags)
    config = configuration.from_settings({**stored, **flags})
    samplers.check(config.sampler)
    early_stop.rule(config.early_stop)
    chosen = space.load(config.space, folder.space if resumed else None)
    if not resumed:
        space.probe(chosen, config.task)
    return folder, config, chosen


def write(
    folder: Folder, config: StudyConfig, chosen: Space, environment: Mapping[str, str]
) -> None:
    """Write study.toml and the copy of the search space; raises `StudyError` where it cannot."""
    try:
        folder.path.mkdir(parents=True, exist_ok=True)
        write_whole(folder.settings, configuration.write(config, {**versions(), **environment}))
        if not folder.database.exists():
            write_whole(folder.space, chosen.path.read_bytes())
    except OSError as error:
        raise StudyError(
            f"{folder.path} cannot be written ({error.strerror}): choose another --study"
        ) from None


def versions() -> dict[str, str]:
    """The versions of what decides a result."""
    packages = ("nas", "torch", "torchvision", "optuna", "numpy", "scikit-learn")
    return {
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
        "system": f"{platform.system()} {platform.machine()}",
        "cores": str(os.cpu_count()),
    }


def _refuse_changes(folder: Folder, stored: Mapping[str, Any], flags: Mapping[str, Any]) -> None:
    settled = configuration.to_settings(configuration.from_settings(stored))
    changed = configuration.differences(settled, flags)
    own = str(flags.get("space", ""))
    if not changed and own.endswith(".py") and folder.space.is_file():
        now = space.locate(own).read_bytes()
        if now != folder.space.read_bytes():
            changed = [f"space {own} has other content than the study's copy, {folder.space}"]
    if changed:
        raise StudyError(
            f"study {folder.name} exists with other settings: {', '.join(changed)}: "
            "leave them out to resume it, or choose another --study"
        )


def _last_written(database: Path) -> float:
    """When the database, or its write-ahead log, was last written."""
    files = [database, database.with_name(f"{database.name}-wal")]
    return max(file.stat().st_mtime for file in files if file.exists())
