"""Optuna's gRPC proxy: hundreds of workers share the connections of one process."""

import socket
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

import optuna
from optuna.storages import run_grpc_proxy_server

from nas.errors import ConfigError, StudyError
from nas.execution.signals import Interrupts
from nas.storage import backends, studies


def serve(url: str, host: str, port: int, threads: int, ready: Callable[[], None]) -> None:
    """Serve the database at `url` on `host` and `port` with `threads` threads, until interrupted.

    `ready` is called before serving. Raises `ConfigError` if `url` is not a database, `StudyError`
    if the port is not available or the database is unreachable.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if not backends.kind(url).database:
        raise ConfigError(
            f"--storage {backends.redacted(url)}: a proxy serves a database, "
            "postgresql:// or mysql://"
        )
    if find_spec("grpc") is None:
        raise ConfigError("grpc is not installed: pip install grpcio")
    _check_free(host, port)
    backend = studies.connect(url)
    ready()
    with warnings.catch_warnings(), Interrupts().raised():
        # Experimental since Optuna 4.2.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        pool = ThreadPoolExecutor(max_workers=threads)
        run_grpc_proxy_server(backend, host=host, port=port, thread_pool=pool)


def _check_free(host: str, port: int) -> None:
    """Raise `StudyError` if the port is taken, which gRPC would silently share."""
    try:
        if not 0 < port < 65_536:
            raise OSError("a port is from 1 to 65535")
        with socket.create_server((host, port)):
            return
    except OSError as error:
        raise StudyError(
            f"the proxy cannot listen at {host}, port {port} ({error}): choose another --port"
        ) from None
