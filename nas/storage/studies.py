"""Create, find and load an Optuna study in its storage."""

import sqlite3
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import optuna
from optuna.storages import BaseStorage, get_storage
from optuna.study import StudyDirection
from sqlalchemy.exc import SQLAlchemyError

from nas.errors import StudyError
from nas.storage import backends
from nas.storage.adapter import storage_of
from nas.storage.location import Location
from nas.storage.rdb import database, sqlite
from nas.storage.retry import RetryingStorage, Warn, is_away, line, retrying

METRICS = ["accuracy", "parameters"]
# Raised by Optuna and drivers for an invalid URL, or for another program's database.
OPENING = (ValueError, RuntimeError)
DIRECTIONS = [StudyDirection.MAXIMIZE, StudyDirection.MINIMIZE]


def create(where: Location) -> optuna.Study:
    """Create a study; raises `DuplicatedStudyError` if the storage has one of this name."""
    backend = _open(where)
    with explained(where):
        study = optuna.create_study(storage=backend, study_name=where.name, directions=DIRECTIONS)
        with warnings.catch_warnings():
            # Experimental since Optuna 3.2; the dashboard shows the names.
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            study.set_metric_names(METRICS)
    return study


def find(where: Location) -> optuna.Study | None:
    """The study, or None if the storage does not hold it."""
    if where.url is None and not where.database.is_file():
        return None
    backend = _open(where)
    with explained(where):
        name = _stored_name(backend, where)
        try:
            return optuna.load_study(study_name=name, storage=backend)
        except KeyError:
            return None


def load(where: Location) -> optuna.Study:
    """The study; raises `StudyError` if the storage does not hold it."""
    study = find(where)
    if study is None:
        place = backends.redacted(where.url) if where.url else where.database
        raise StudyError(f"{place} holds no study called {where.name}: create it with `nas search`")
    return study


def with_retries(study: optuna.Study, warn: Warn) -> optuna.Study:
    """`study` on a storage that retries; each call that has to wait calls `warn` once."""
    waiting = RetryingStorage(storage_of(study), warn)  # type: ignore[abstract]
    return optuna.load_study(study_name=study.study_name, storage=waiting)


@contextmanager
def one_transaction(study: optuna.Study) -> Iterator[None]:
    """Context manager that buffers this process's writes to trials and commits them at exit.

    Optuna uses one transaction per parameter and attribute: several milliseconds each, about forty
    per draw. Buffered values cannot be read before the exit. Storages other than databases write
    immediately.
    """
    behind = database(study)
    if behind is None:
        yield
        return
    behind.collect()
    try:
        yield
    finally:
        rows = behind.collected()
        if rows:
            retrying(study)(behind.write, rows)


def _open(where: Location) -> BaseStorage:
    if where.url is not None:
        return connect(where.url)
    with explained(where, OPENING):
        return get_storage(sqlite(where.database))


def connect(url: str) -> BaseStorage:
    """The storage at `url`; raises `StudyError` if it cannot be opened."""
    with explained(url, OPENING):
        return get_storage(backends.open_storage(url))


def _stored_name(storage: BaseStorage, where: Location) -> str:
    """The study's name in its database, which differs from the folder's after a rename."""
    if where.url is not None:
        return where.name
    names = optuna.get_all_study_names(storage)
    return names[0] if len(names) == 1 else where.name


@contextmanager
def explained(where: Location | str, also: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Context manager that turns driver errors, and those in `also`, into a `StudyError`.

    `where` is a study's location, or the URL of a storage.
    """
    try:
        yield
    except Exception as error:
        of_driver = isinstance(error, (SQLAlchemyError, sqlite3.Error, *also)) or is_away(error)
        if of_driver or type(error).__module__.startswith("redis."):
            raise _unusable(where, error) from error
        raise


def _unusable(where: Location | str, error: Exception) -> StudyError:
    message, url = line(error), where.url if isinstance(where, Location) else where
    if url is None:
        assert isinstance(where, Location)
        return StudyError(
            f"{where.database} cannot be used as the study's database ({message}): "
            "move the folder aside, or choose another --study"
        )
    for secret in backends.secrets(url):
        message = message.replace(secret, "***")
    return StudyError(
        f"{backends.redacted(url)} cannot be used as the study's storage ({message}): check "
        f"that the server runs and the URL is right; {backends.VARIABLE} may hold the password"
    )
