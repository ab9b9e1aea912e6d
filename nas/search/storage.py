"""The Optuna study in its database: SQLite in the study's folder."""

import sqlite3
import warnings
from pathlib import Path

import optuna
from optuna.samplers import BaseSampler
from optuna.storages import RDBStorage
from optuna.study import StudyDirection
from sqlalchemy import Connection, event
from sqlalchemy.exc import SQLAlchemyError

from nas.errors import StudyError

METRICS = ["accuracy", "parameters"]
DIRECTIONS = [StudyDirection.MAXIMIZE, StudyDirection.MINIMIZE]
LOCK_TIMEOUT = 60  # seconds that a writer waits for another
READ_ONLY = "nas_read_only"  # execution option of a connection that will not write


def create(path: Path, name: str) -> optuna.Study:
    """The study in the database at `path`, made if it is not there yet. One process at a time."""
    new = not path.exists()
    storage = _open(path)
    try:
        name = name if new else _own_name(storage, name)
        study = optuna.create_study(
            storage=storage, study_name=name, directions=DIRECTIONS, load_if_exists=True
        )
        if new or study.metric_names is None:
            with warnings.catch_warnings():
                # Marked experimental since 3.2; the dashboard shows the names.
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                study.set_metric_names(METRICS)
    except (SQLAlchemyError, ValueError) as error:
        raise _unusable(path, error) from error
    return study


def load(path: Path, name: str, sampler: BaseSampler | None = None) -> optuna.Study:
    """The study in the database at `path`; raises `StudyError` if there is none."""
    if not path.is_file():
        raise StudyError(f"{path.parent} holds no study.db: `nas search` makes one")
    storage = _open(path)
    try:
        name = _own_name(storage, name)
        return optuna.load_study(study_name=name, storage=storage, sampler=sampler)
    except KeyError:
        raise StudyError(f"{path} holds no study called {name}: `nas search` makes one") from None
    except (SQLAlchemyError, ValueError) as error:
        raise _unusable(path, error) from error


def _own_name(storage: RDBStorage, name: str) -> str:
    """The study's name in its database: `name`, or what it was called before its folder was."""
    names = optuna.get_all_study_names(storage)
    return names[0] if len(names) == 1 else name


def _open(path: Path) -> RDBStorage:
    try:
        storage = RDBStorage(f"sqlite:///{path}", engine_kwargs={"creator": lambda: _connect(path)})
    except (SQLAlchemyError, sqlite3.Error, RuntimeError) as error:
        raise _unusable(path, error) from error
    event.listen(storage.engine, "begin", _begin)
    return storage


def _connect(path: Path) -> sqlite3.Connection:
    # Manual transactions: sqlite3's own begin late and unlocked, so that two workers can both read
    # a queued trial before either of them takes it.
    connection = sqlite3.connect(
        path, timeout=LOCK_TIMEOUT, isolation_level=None, check_same_thread=False
    )
    connection.execute("PRAGMA journal_mode=WAL")  # readers do not wait for the writer
    connection.execute("PRAGMA synchronous=NORMAL")
    return connection


def _begin(connection: Connection) -> None:
    read_only = connection.get_execution_options().get(READ_ONLY, False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


def _unusable(path: Path, error: Exception) -> StudyError:
    cause = getattr(error, "orig", None) or error
    first = str(cause).strip().partition("\n")[0]
    return StudyError(
        f"{path} cannot be used as the study's database ({first}): "
        "move the folder aside, or choose another --study"
    )
