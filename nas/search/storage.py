"""The Optuna study in its storage: SQLite in the study's folder, or what `--storage` names."""

import sqlite3
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import optuna
from optuna.storages import BaseStorage, get_storage
from optuna.study import StudyDirection
from sqlalchemy.exc import SQLAlchemyError

from nas.errors import StudyError
from nas.search import backends
from nas.search.folder import Folder
from nas.search.patience import Patient, Warn, is_away, line, retrying
from nas.search.rdb import database, sqlite

METRICS = ["accuracy", "parameters"]
# What Optuna and the drivers raise of a URL that is wrong, or a database that is another program's.
OPENING = (ValueError, RuntimeError)
DIRECTIONS = [StudyDirection.MAXIMIZE, StudyDirection.MINIMIZE]


def create(folder: Folder) -> optuna.Study:
    """A new study; raises `DuplicatedStudyError` if the storage has one of this name."""
    backend = _open(folder)
    with explained(folder):
        study = optuna.create_study(storage=backend, study_name=folder.name, directions=DIRECTIONS)
        with warnings.catch_warnings():
            # Marked experimental since 3.2; the dashboard shows the names.
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            study.set_metric_names(METRICS)
    return study


def find(folder: Folder) -> optuna.Study | None:
    """The study, or None if its storage does not hold it yet."""
    if folder.url is None and not folder.database.is_file():
        return None
    backend = _open(folder)
    with explained(folder):
        name = _own_name(backend, folder)
        try:
            return optuna.load_study(study_name=name, storage=backend)
        except KeyError:
            return None


def load(folder: Folder) -> optuna.Study:
    """The study; raises `StudyError` if there is none."""
    study = find(folder)
    if study is None:
        where = folder.storage or folder.database
        raise StudyError(f"{where} holds no study called {folder.name}: `nas search` makes one")
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


def _open(folder: Folder) -> BaseStorage:
    if folder.url is not None:
        return connect(folder.url)
    with explained(folder, OPENING):
        return get_storage(sqlite(folder.database))


def connect(url: str) -> BaseStorage:
    """The storage at `url`; raises `StudyError` if it cannot be had."""
    with explained(url, OPENING):
        return get_storage(backends.open_storage(url))


def _own_name(storage: BaseStorage, folder: Folder) -> str:
    """The study's name in its database: its folder's, or what that was before it was renamed."""
    if folder.url is not None:
        return folder.name
    names = optuna.get_all_study_names(storage)
    return names[0] if len(names) == 1 else folder.name


@contextmanager
def explained(where: Folder | str, also: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """What goes wrong with the storage of a folder, or at a URL, becomes a `StudyError`: the errors
    of its drivers, and `also` these."""
    try:
        yield
    except Exception as error:
        of_driver = isinstance(error, (SQLAlchemyError, sqlite3.Error, *also)) or is_away(error)
        if of_driver or type(error).__module__.startswith("redis."):
            raise _unusable(where, error) from error
        raise


def _unusable(where: Folder | str, error: Exception) -> StudyError:
    said, url = line(error), where.url if isinstance(where, Folder) else where
    if url is None:
        assert isinstance(where, Folder)
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
