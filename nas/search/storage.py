"""The Optuna study in its database: SQLite in the study's folder."""

import json
import sqlite3
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    check_distribution_compatibility,
    distribution_to_json,
)
from optuna.samplers import BaseSampler
from optuna.storages import RDBStorage
from optuna.storages._rdb import models
from optuna.study import StudyDirection
from sqlalchemy import Connection, delete, event, insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

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


@contextmanager
def in_one_go(study: optuna.Study) -> Iterator[None]:
    """While inside, what this process writes into trials is collected; then it is written at once.

    Optuna takes a transaction for every parameter and attribute, several milliseconds each and some
    forty a draw. Nothing that is written inside can be read before the end.
    """
    storage = getattr(study._storage, "_backend", study._storage)
    with storage.in_one_go() if isinstance(storage, _Storage) else nullcontext():
        yield


# By trial's id and table, the rows by their parameter's name or attribute's key.
_Rows = dict[tuple[int, Any], dict[str, dict[str, Any]]]


class _Storage(RDBStorage):
    """Optuna's storage, which can also write many values in one transaction."""

    _collected: _Rows | None = None

    @contextmanager
    def in_one_go(self) -> Iterator[None]:
        """See the function of this name."""
        assert self._collected is None, "already collecting"
        collected: _Rows = {}
        self._collected = collected
        try:
            yield
        finally:
            self._collected = None
            if collected:
                with self.scoped_session() as session, session.begin():
                    self._write(session, collected)

    def _write(self, session: Session, collected: _Rows) -> None:
        for trial_id in {trial_id for trial_id, _ in collected}:
            trial: Any = models.TrialModel.find_or_raise_by_id(trial_id, session)
            self.check_trial_is_updatable(trial_id, trial.state)
        for (trial_id, table), rows in collected.items():
            if table is not models.TrialParamModel:  # an attribute may be written again
                old = delete(table).where(table.trial_id == trial_id, table.key.in_(rows))
                session.execute(old)
            session.execute(insert(table), [{"trial_id": trial_id, **row} for row in rows.values()])

    def _collect(self, trial_id: int, table: Any, name: str, row: dict[str, Any]) -> None:
        assert self._collected is not None
        self._collected.setdefault((trial_id, table), {})[name] = row

    def _set_trial_param(
        self,
        trial_id: int,
        param_name: str,
        param_value_internal: float,
        distribution: BaseDistribution,
        previous_distribution: BaseDistribution | None,
    ) -> None:
        if self._collected is None or previous_distribution is None:
            # The first time in this process Optuna looks for an earlier trial's distribution.
            super()._set_trial_param(
                trial_id, param_name, param_value_internal, distribution, previous_distribution
            )
            return
        check_distribution_compatibility(previous_distribution, distribution)
        row = {
            "param_name": param_name,
            "param_value": param_value_internal,
            "distribution_json": distribution_to_json(distribution),
        }
        self._collect(trial_id, models.TrialParamModel, param_name, row)

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        if self._collected is None:
            super().set_trial_user_attr(trial_id, key, value)
        else:
            row = {"key": key, "value_json": json.dumps(value)}
            self._collect(trial_id, models.TrialUserAttributeModel, key, row)

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        if self._collected is None:
            super().set_trial_system_attr(trial_id, key, value)
        else:
            row = {"key": key, "value_json": json.dumps(value)}
            self._collect(trial_id, models.TrialSystemAttributeModel, key, row)


def _open(path: Path) -> RDBStorage:
    try:
        storage = _Storage(f"sqlite:///{path}", engine_kwargs={"creator": lambda: _connect(path)})
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
