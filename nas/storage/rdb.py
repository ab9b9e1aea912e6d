"""Optuna's relational storage: SQLite in the study's folder, or a shared database server."""

import json
import re
import sqlite3
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    check_distribution_compatibility,
    distribution_to_json,
)
from optuna.storages import BaseStorage, RDBStorage
from optuna.storages._rdb import models
from sqlalchemy import URL, Connection, delete, event, insert
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError
from sqlalchemy.orm import Session

from nas.storage.adapter import storage_of

TRIES = 5  # attempts to open a database
LOCK_TIMEOUT = 60  # seconds
READ_ONLY = "nas_read_only"  # execution option of connections that only read

# Rows by (trial id, table), then by parameter name or attribute key.
Rows = dict[tuple[int, Any], dict[str, dict[str, Any]]]


class Database(RDBStorage):
    """Optuna's relational storage, which can also write many values in one transaction."""

    _collected: Rows | None = None

    def collect(self) -> None:
        """Start buffering writes to trials."""
        assert self._collected is None, "already collecting"
        self._collected = {}

    def collected(self) -> Rows:
        """Stop buffering; returns the buffered rows."""
        assert self._collected is not None, "not collecting"
        rows, self._collected = self._collected, None
        return rows

    def write(self, rows: Rows) -> None:
        """Write `rows` in one transaction.

        Raises `UpdateFinishedTrialError` if one of the trials is finished.
        """
        with self.scoped_session() as session, session.begin():
            self._write(session, rows)

    def _write(self, session: Session, collected: Rows) -> None:
        for trial_id in {trial_id for trial_id, _ in collected}:
            trial: Any = models.TrialModel.find_or_raise_by_id(trial_id, session)
            self.check_trial_is_updatable(trial_id, trial.state)
        for (trial_id, table), rows in collected.items():
            # Rows may exist: an attribute was set again, or the transaction is retried because the
            # connection was lost after the commit.
            key = table.param_name if table is models.TrialParamModel else table.key
            session.execute(delete(table).where(table.trial_id == trial_id, key.in_(rows)))
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
            # Optuna checks compatibility with earlier trials on first use in a process.
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


def database(study: optuna.Study) -> Database | None:
    """The database behind the study's storage, below what waits and what caches."""
    storage: BaseStorage | None = storage_of(study)
    while storage is not None and not isinstance(storage, Database):
        storage = getattr(storage, "backend", None) or getattr(storage, "_backend", None)
    return storage


def sqlite(path: Path) -> Database:
    """The SQLite database at `path`, created if it does not exist."""
    place, options = f"sqlite:///{path}", {"creator": lambda: _connect(path)}
    opened = _open(lambda: Database(place, engine_kwargs=options))
    event.listen(opened.engine, "begin", _begin)
    return opened


def server(url: URL) -> Database:
    """A PostgreSQL or MySQL database.

    Connections are tested before use and time out, so that the storage reconnects after an outage.
    """
    driver, connect = _SERVERS[url.get_backend_name()]
    return _open(
        lambda: Database(
            url.set(drivername=driver).render_as_string(hide_password=False),
            engine_kwargs={
                "connect_args": dict(connect),
                "pool_pre_ping": True,
                "pool_size": 64,  # maximum; a worker uses two, a proxy one per thread
            },
        )
    )


def _open(connect: Callable[[], Database]) -> Database:
    """Call `connect`; retries while another process is creating Optuna's tables."""
    for _ in range(TRIES - 1):
        try:
            return connect()
        except (IntegrityError, OperationalError, ProgrammingError) as error:
            taken = re.search("already exists|duplicate", str(error), re.IGNORECASE)
            if not taken and not isinstance(error, IntegrityError):
                raise
            time.sleep(1)
    return connect()


# By database: the driver and its connection arguments.
_SERVERS: Mapping[str, tuple[str, Mapping[str, int]]] = {
    "postgresql": (
        "postgresql+psycopg",
        {
            "connect_timeout": 10,
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 30_000,  # milliseconds
        },
    ),
    "mysql": ("mysql+pymysql", {"connect_timeout": 10, "read_timeout": 60, "write_timeout": 60}),
}


def _connect(path: Path) -> sqlite3.Connection:
    # Manual transactions: sqlite3 begins them late and without a write lock, so two workers could
    # read the same queued trial before one of them takes it.
    connection = sqlite3.connect(
        path, timeout=LOCK_TIMEOUT, isolation_level=None, check_same_thread=False
    )
    connection.execute("PRAGMA journal_mode=WAL")  # readers do not block on the writer
    connection.execute("PRAGMA synchronous=NORMAL")
    return connection


def _begin(connection: Connection) -> None:
    read_only = connection.get_execution_options().get(READ_ONLY, False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")
