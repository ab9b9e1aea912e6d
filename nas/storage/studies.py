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
from nas.storage.location import Location
from nas.storage.rdb import database, sqlite
from nas.storage.retry import Patient, Warn, is_away, line, retrying

METRICS = ["accuracy", "parameters"]
# What Optuna and the drivers raise of a URL that is wrong, or a database that is another program's.
OPENING = (ValueError, RuntimeError)
DIRECTIONS = [StudyDirection.MAXIMIZE, StudyDirection.MINIMIZE]


def create(where: Location) -> optuna.Study:
    """A new study; raises `DuplicatedStudyError` if the storage has one of this name."""
    backend = _open(where)
    with explained(where):
        study = optuna.create_study(storage=backend, study_name=where.name, directions=DIRECTIONS)
        with warnings.catch_warnings():
            # Marked experimental since 3.2; the dashboard shows the names.
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            study.set_metric_names(METRICS)
    return study


def find(where: Location) -> optuna.Study | None:
    """The study, or None if its storage does not hold it yet."""
    if where.url is None and not where.database.is_file():
        return None
    backend = _open(where)
    with explained(where):
        name = _own_name(backend, where)
        try:
            return optuna.load_study(study_name=name, storage=backend)
        except KeyError:
            return None


def load(where: Location) -> optuna.Study:
    """The study; raises `StudyError` if there is none."""
    study = find(where)
    if study is None:
        place = backends.redacted(where.url) if where.url else where.database
        raise StudyError(f"{place} holds no study called {where.name}: `nas search` makes one")
    return study


def patient(study: optuna.Study, warn: Warn) -> optuna.Study:
    """`study` for a process that waits while the storage is away, and tells `warn` that it does."""
    waiting = Patient(study._storage, warn)  # type: ignore[abstract]
    return optuna.load_study(study_name=study.study_name, storage=waiting)


def ask(study: optuna.Study) -> optuna.Trial:
    """The study's next trial, as `study.ask` gives it."""
    with warnings.catch_warnings():
        # That heartbeats are for `Study.optimize`: ours are given by the worker (`reaper.Beat`).
        warnings.filterwarnings("ignore", "Heartbeat of storage", UserWarning)
        return study.ask()


@contextmanager
def in_one_go(study: optuna.Study) -> Iterator[None]:
    """While inside, what this process writes into trials is collected; then it is written at once.

    Optuna takes a transaction for every parameter and attribute, several milliseconds each and some
    forty a draw. Nothing that is written inside can be read before the end. A storage that is no
    database writes as it goes.
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
    """The storage at `url`; raises `StudyError` if it cannot be had."""
    with explained(url, OPENING):
        return get_storage(backends.open_storage(url))


def _own_name(storage: BaseStorage, where: Location) -> str:
    """The study's name in its database: its folder's, or what that was before it was renamed."""
    if where.url is not None:
        return where.name
    names = optuna.get_all_study_names(storage)
    return names[0] if len(names) == 1 else where.name


@contextmanager
def explained(where: Location | str, also: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """While inside, errors of the storage's drivers, and those in `also`, become a `StudyError`.

    `where` is the storage: a study's location, or a URL.
    """
    try:
        yield
    except Exception as error:
        of_driver = isinstance(error, (SQLAlchemyError, sqlite3.Error, *also)) or is_away(error)
        if of_driver or type(error).__module__.startswith("redis."):
            raise _unusable(where, error) from error
        raise


def _unusable(where: Location | str, error: Exception) -> StudyError:
    said, url = line(error), where.url if isinstance(where, Location) else where
    if url is None:
        assert isinstance(where, Location)
        return StudyError(
            f"{where.database} cannot be used as the study's database ({said}): "
            "move the folder aside, or choose another --study"
        )
    for secret in backends.secrets(url):
        said = said.replace(secret, "***")
    return StudyError(
        f"{backends.redacted(url)} cannot be used as the study's storage ({said}): is it "
        f"running, and the URL right? A password may be given in {backends.VARIABLE}"
    )
