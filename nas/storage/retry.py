"""A storage that waits where its server is away, instead of ending a night's search."""

import abc
import errno
import time
from collections.abc import Callable
from typing import Any

import optuna
from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage
from optuna.storages._heartbeat import BaseHeartbeat
from optuna.trial import FrozenTrial

from nas.errors import StudyError

PATIENCE = 600  # seconds that a server may be away
PAUSE = 1.0  # seconds before it is asked again

_GRPC = ("UNAVAILABLE", "UNKNOWN")
Warn = Callable[[str], None]


def is_away(error: BaseException) -> bool:
    """Whether `error` says that a storage cannot be reached, or has no room: it may yet answer."""
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
    # The third follows the first, where a connection broke in the middle of a transaction.
    if isinstance(error, OperationalError | InterfaceError | PendingRollbackError):
        return True
    if isinstance(error, ConnectionError | TimeoutError):
        return True
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    # Of packages that are there only where they are used.
    module, name = type(error).__module__, type(error).__name__
    if module.startswith(("redis.", "botocore.")):
        return any(word in name for word in ("Connect", "Timeout"))
    code = getattr(error, "code", None)  # of Optuna's proxy, or of the database behind it
    return module.startswith("grpc.") and callable(code) and code().name in _GRPC


def line(error: BaseException) -> str:
    """The first line of what a storage's driver says."""
    if isinstance(error, StorageInternalError) and error.__cause__:
        return line(error.__cause__)
    cause = getattr(error, "orig", None) or error
    details = getattr(cause, "details", None)
    text = str(details()) if callable(details) else str(cause)
    return text.strip().partition("\n")[0] or type(cause).__name__


class Patient(BaseStorage, BaseHeartbeat):
    """`backend`, each of whose calls is made again for up to `PATIENCE` seconds while it is away.

    A call that was carried out but not answered is made twice. That does no harm: a trial created
    or taken twice over belongs to nobody and is given up after a while, and the rest writes what is
    there already.
    """

    def __init__(self, backend: BaseStorage, warn: Warn) -> None:
        self._backend = self.backend = backend
        self._warn = warn

    def retry(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """What `call` returns, as soon as the storage is there; raises `StudyError` if it stays
        away."""
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
                        f"the study's storage has been away for {waited / 60:.0f} minutes "
                        f"({line(error)}): the same command goes on when it is back"
                    ) from error
                if not warned:
                    self._warn(f"the study cannot be written or read, waiting: {line(error)}")
                    warned = True
            time.sleep(PAUSE)

    def record_heartbeat(self, trial_id: int) -> None:
        self._heart.record_heartbeat(trial_id)

    def _get_stale_trial_ids(self, study_id: int) -> list[int]:
        return self._heart._get_stale_trial_ids(study_id)

    def get_heartbeat_interval(self) -> int | None:
        beats = isinstance(self._backend, BaseHeartbeat)
        return self._heart.get_heartbeat_interval() if beats else None

    def get_heartbeat_stale_trial_callback(
        self,
    ) -> Callable[[optuna.Study, FrozenTrial], None] | None:
        return None

    @property
    def _heart(self) -> BaseHeartbeat:
        assert isinstance(self._backend, BaseHeartbeat), "asked for only where there are heartbeats"
        return self._backend


def retrying(study: optuna.Study) -> Callable[..., Any]:
    """`retry` of the study's storage; a plain call, if that is not a patient one."""
    storage = study._storage
    return storage.retry if isinstance(storage, Patient) else _at_once


def _at_once(call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return call(*args, **kwargs)


def _patiently(name: str) -> Callable[..., Any]:
    def method(self: Patient, *args: Any, **kwargs: Any) -> Any:
        return self.retry(getattr(self._backend, name), *args, **kwargs)

    method.__name__ = name
    method.__doc__ = getattr(BaseStorage, name).__doc__
    return method


for _name in (*BaseStorage.__abstractmethods__, "get_trial_id_from_study_id_trial_number"):
    setattr(Patient, _name, _patiently(_name))
abc.update_abstractmethods(Patient)  # type: ignore[type-abstract]
