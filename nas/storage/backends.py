"""Storage backends, by the scheme of the `--storage` URL.

All of them are Optuna's: its relational storage on PostgreSQL or MySQL, its journal in Redis or a
file, and its gRPC proxy in front of a database. Without a URL the storage is SQLite in the study's
folder, for one machine.
"""

import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import optuna
from optuna.storages import BaseStorage
from optuna.storages.journal import BaseJournalBackend, JournalFileBackend, JournalStorage

from nas.errors import ConfigError, unknown

VARIABLE = "NAS_STORAGE"  # environment variable: a URL with its password
SECRET = ("password", "passwd", "sslpassword")  # query parameters of a URL that are never shown
CHUNK = 1_000  # journal entries per request to Redis


@dataclass(frozen=True, slots=True)
class Backend:
    """A storage backend."""

    example: str
    module: str | None  # the required driver
    package: str  # its name for pip
    open: Callable[[str], BaseStorage]
    database: bool = False  # whether `nas proxy` can serve it


def open_storage(url: str) -> BaseStorage:
    """The storage at `url`.

    Raises `ConfigError` for an invalid URL or a missing driver, and the driver's own errors.
    """
    backend = kind(url)
    if backend.module and find_spec(backend.module) is None:
        raise ConfigError(
            f"--storage {redacted(url)}: {backend.module} is not installed: "
            f"pip install '{backend.package}'"
        )
    with warnings.catch_warnings():
        # Optuna marks its gRPC proxy and its Redis journal as experimental.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return backend.open(url)


def kind(url: str) -> Backend:
    """The backend for `url`; raises `ConfigError` for an unknown scheme."""
    try:
        scheme = urlsplit(url).scheme.partition("+")[0]
    except ValueError as error:
        raise ConfigError(f"--storage {redacted(url)}: {error}") from None
    if scheme == "sqlite":
        raise ConfigError(
            f"--storage {redacted(url)}: leave out --storage to use SQLite in the study's folder"
        )
    if scheme not in BACKENDS:
        known = [backend.example for backend in dict.fromkeys(BACKENDS.values())]
        raise ConfigError(unknown("--storage", redacted(url), known))
    return BACKENDS[scheme]


def redacted(url: str) -> str:
    """`url` without its password, for files and the terminal."""
    before, _, query = url.partition("?")
    scheme, slashes, rest = before.partition("://")
    login, at, place = rest.rpartition("@")
    shown = [pair for pair in query.split("&") if pair.partition("=")[0] not in SECRET]
    return (
        f"{scheme}{slashes}{login.partition(':')[0]}{at}{place}{'?' * bool(query)}{'&'.join(shown)}"
    )


def secrets(url: str) -> Iterator[str]:
    """The passwords in `url`."""
    parts = urlsplit(url)
    if parts.password:
        yield parts.password
    yield from (value for name, value in parse_qsl(parts.query) if name in SECRET and value)


def with_password(url: str) -> str:
    """The redacted `url` with the password from `NAS_STORAGE`, if that is the same URL."""
    given = os.environ.get(VARIABLE, "")
    return given if given and redacted(given) == url else url


def _database(url: str) -> BaseStorage:
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    from nas.storage import rdb

    try:
        parsed = make_url(url.replace("postgres:", "postgresql:", 1))
    except (ArgumentError, ValueError) as error:
        raise ConfigError(f"--storage {redacted(url)}: {error}") from None
    return rdb.server(parsed)


def _redis(url: str) -> BaseStorage:
    return JournalStorage(_RedisJournal(url))


def _file(url: str) -> BaseStorage:
    parts = urlsplit(url)
    path = Path(f"{parts.netloc}{parts.path}")
    if not path.is_absolute():
        raise ConfigError(f"--storage {url}: give an absolute path, like journal:///folder/file")
    if not path.parent.is_dir():
        raise ConfigError(f"--storage {url}: there is no folder {path.parent}: create it first")
    return JournalStorage(JournalFileBackend(str(path)))


def _proxy(url: str) -> BaseStorage:
    from optuna.storages import GrpcStorageProxy

    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigError(f"--storage {url}: {error}") from None
    if not host or not port:
        raise ConfigError(f"--storage {url}: it must be grpc://HOST:PORT")
    storage = GrpcStorageProxy(host=host, port=port)
    storage.wait_server_ready(timeout=10)
    return storage


class _RedisJournal(BaseJournalBackend):
    """Optuna's Redis journal, in Optuna's format, without snapshots.

    A snapshot is a pickle: whoever can write to Redis could run code here. The journal alone is
    complete. It is read in chunks instead of entry by entry.
    """

    def __init__(self, url: str) -> None:
        from optuna.storages.journal import JournalRedisBackend
        from redis import Redis

        self._writer = JournalRedisBackend(url)
        self._redis: Any = Redis.from_url(
            url, socket_timeout=30, socket_connect_timeout=10, socket_keepalive=True
        )
        self._redis.ping()
        self._writer._redis = self._redis

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:
        """Yield the journal's entries from that number on, in order."""
        import json

        last = int(self._redis.get(":log_number") or -1)
        for first in range(log_number_from, last + 1, CHUNK):
            numbers = range(first, min(first + CHUNK, last + 1))
            # An entry and its number are written atomically: none is missing.
            yield from map(json.loads, self._redis.mget([f":log:{number}" for number in numbers]))

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Append entries to the journal."""
        self._writer.append_logs(logs)


_POSTGRESQL = Backend(
    "postgresql://USER:PASSWORD@HOST/DATABASE", "psycopg", "psycopg[binary]", _database, True
)
_REDIS = Backend("redis://:PASSWORD@HOST:6379/0", "redis", "redis", _redis)

BACKENDS: Mapping[str, Backend] = {
    "postgresql": _POSTGRESQL,
    "postgres": _POSTGRESQL,
    "mysql": Backend("mysql://USER:PASSWORD@HOST/DATABASE", "pymysql", "pymysql", _database, True),
    "redis": _REDIS,
    "rediss": _REDIS,
    "journal": Backend("journal:///FILE", None, "", _file),
    "grpc": Backend("grpc://HOST:PORT", "grpc", "grpcio", _proxy),
}
