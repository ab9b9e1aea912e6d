"""Storage wrapper that retries while the server is unreachable."""

import abc
import errno
import time
from collections.abc import Callable
from typing import Any

import optuna
from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage

from nas.errors import StudyError
from nas.storage.adapter import storage_of

PATIENCE = 600  # seconds of retrying before giving up
PAUSE = 1.0  # seconds between retries

_GRPC = ("UNAVAILABLE", "UNKNOWN")
Warn = Callable[[str], None]


def is_away(error: BaseException) -> bool:
    """Whether `error` means that the storage is unreachable or a disk is full."""
    from sqlalchemy.exc import (
        DBAPIError,
        InterfaceError,
        OperationalError,
        PendingRollbackError,
    )

    if isinstance(error, StorageInternalError):
        return error.__cause__ is not None and is_away(error.__cause__)
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    # PendingRollbackError follows a connection that was lost during a transaction.
    if isinstance(error, OperationalError | InterfaceError | PendingRollbackError):
        return True
    if isinstance(error, ConnectionError | TimeoutError):
        return True
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    # Optional packages: compare names instead of importing them.
    module, name = type(error).__module__, type(error).__name__
    if module.startswith(("redis.", "botocore.")):
        return any(word in name for word in ("Connect", "Timeout"))
    code = getattr(error, "code", None)  # from Optuna's proxy, or the database behind it
    return module.startswith("grpc.") and callable(code) and code().name in _GRPC


def line(error: BaseException) -> str:
    """The first line of the driver's message."""
    if isinstance(error, StorageInternalError) and error.__cause__:
        return line(error.__cause__)
    cause = getattr(error, "orig", None) or error
    details = getattr(cause, "details", None)
    text = str(details()) if callable(details) else str(cause)
    return text.strip().partition("\n")[0] or type(cause).__name__


class RetryingStorage(BaseStorage):
    """Storage wrapper that retries each call of `backend` for up to `PATIENCE` seconds.

    A call whose answer was lost is made twice. An extra trial that this creates or claims has no
    worker and is failed once its heartbeat times out. All other calls are idempotent.
    """

    def __init__(self, backend: BaseStorage, warn: Warn) -> None:
        self.backend = backend
        self._warn = warn

    def retry(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Return `call(...)`; raises `StudyError` if the storage stays unreachable."""
        began, warned = time.monotonic(), False
        while True:
            try:
                return call(*args, **kwargs)
            except Exception as error:
                if not is_away(error):
                    raise
                waited = time.monotonic() - began
                if waited > PATIENCE:
                    raise StudyError(
                        f"the study's storage has been unreachable for {waited / 60:.0f} minutes "
                        f"({line(error)}): run the same command again to resume when it is back"
                    ) from error
                if not warned:
                    self._warn(f"the study's storage is unreachable, retrying: {line(error)}")
                    warned = True
            time.sleep(PAUSE)


def retrying(study: optuna.Study) -> Callable[..., Any]:
    """The `retry` method of the study's storage, or a plain call if the storage has none."""
    storage = storage_of(study)
    return storage.retry if isinstance(storage, RetryingStorage) else _call_once


def _call_once(call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return call(*args, **kwargs)


def _with_retry(name: str) -> Callable[..., Any]:
    def method(self: RetryingStorage, *args: Any, **kwargs: Any) -> Any:
        return self.retry(getattr(self.backend, name), *args, **kwargs)

    method.__name__ = name
    method.__doc__ = getattr(BaseStorage, name).__doc__
    return method


for _name in (*BaseStorage.__abstractmethods__, "get_trial_id_from_study_id_trial_number"):
    setattr(RetryingStorage, _name, _with_retry(_name))
abc.update_abstractmethods(RetryingStorage)  # type: ignore[type-abstract]
