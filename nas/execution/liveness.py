"""Heartbeats of workers, and requeueing the candidates of workers that died.

A worker on a shared storage increments an attribute of the trial it trains. Other machines watch
this count with their own monotonic clocks. If it does not change for `GRACE` seconds, the worker
counts as dead. Wall clocks are never compared, and any storage works.

Each process that supervises workers also holds a file lock in the study's folder. The operating
system releases the lock when the process ends, so processes that share the folder notice at once.
"""

import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import optuna
from filelock import FileLock, Timeout
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial

from nas.records import trials
from nas.storage.adapter import storage_of, trial_id
from nas.storage.retry import RetryingStorage, is_away, retrying
from nas.study.folder import Folder

# Seconds without a heartbeat after which a worker counts as dead. All machines of a study need the
# same value; the tests shorten it.
GRACE = int(os.environ.get("NAS_GRACE_SECONDS", "40"))
HEARTBEAT = GRACE / 4
BEATS = "nas:signs"  # system attribute of a trial: number of heartbeats


@contextmanager
def repeating(call: Callable[[], None], name: str, seconds: float) -> Iterator[None]:
    """Context manager that calls `call` now and every `seconds`, in a thread called `name`."""
    ended = threading.Event()

    def run() -> None:
        call()
        while not ended.wait(seconds):
            call()

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()


@contextmanager
def owner_lock(folder: Folder) -> Iterator[str]:
    """Context manager that holds a lock in `folder`; yields the owner's name for its trials."""
    owner = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(2)}"
    folder.owners.mkdir(exist_ok=True)
    path = folder.owners / f"{owner}.lock"
    try:
        with FileLock(path):
            yield owner
    finally:
        path.unlink(missing_ok=True)


def is_gone(folder: Folder, owner: str | None) -> bool:
    """Whether the process `owner` has ended. False for a process on another machine."""
    path = folder.owners / f"{owner}.lock"
    if owner is None or not path.is_file():
        return folder.url is None  # a study without a URL has all its locks here
    try:
        with FileLock(path, timeout=0):
            pass
    except Timeout:
        return False
    with suppress(FileNotFoundError):
        path.unlink()
    return True


class Heartbeat:
    """Increments an attribute of the trial that this worker trains."""

    def __init__(self, study: optuna.Study) -> None:
        storage = storage_of(study)
        self._retry = retrying(study)
        # A late heartbeat is useless: the heartbeat thread does not retry.
        self._storage = storage.backend if isinstance(storage, RetryingStorage) else storage
        self._trial: int | None = None  # its id
        self._count = 0

    def begin(self, trial: optuna.Trial) -> None:
        """Start heartbeats for `trial`; the first one is stored when this returns."""
        self._retry(self._give, trial_id(trial))
        self._trial = trial_id(trial)

    def end(self) -> None:
        """Stop heartbeats."""
        self._trial = None

    def give(self) -> None:
        """Store a heartbeat, if there is a trial and the storage is reachable."""
        trial = self._trial
        if trial is None:
            return
        try:
            self._give(trial)
        except Exception as error:
            if not is_away(error):
                raise

    def _give(self, trial: int) -> None:
        self._count += 1
        with suppress(UpdateFinishedTrialError):
            self._storage.set_trial_system_attr(trial, BEATS, self._count)


@dataclass(slots=True)
class _LastBeat:
    """A trial's heartbeat count, and when this process first read it (monotonic seconds)."""

    count: int
    at: float


class Reaper:
    """Requeues candidates whose worker ended or sent no heartbeat for `GRACE` seconds.

    If checks were interrupted, for example by a storage outage, all workers get `GRACE` seconds
    again.
    """

    def __init__(self, study: optuna.Study, folder: Folder) -> None:
        self._study = study
        self._folder = folder
        self._beats: dict[int, _LastBeat] = {}
        self._last_check = -1e9
        self._checking_since = 0.0  # without an interruption

    def look(self) -> None:
        """Requeue lost candidates; call this every `HEARTBEAT` seconds."""
        try:
            # No worker on this machine is between asking for a trial and setting its owner.
            with FileLock(self._folder.claim_lock, timeout=1):
                self._requeue_lost()
        except Timeout:
            return
        except Exception as error:
            if not is_away(error):
                raise

    def _requeue_lost(self) -> None:
        running = trials.running(self._study)
        now = time.monotonic()
        if now - self._last_check > 2 * HEARTBEAT:
            self._checking_since = now
        self._last_check = now
        self._beats = {trial.number: self._last_beat(trial, now) for trial in running}
        watching = self._folder.url is not None and now - self._checking_since >= GRACE
        for trial in running:
            if is_gone(self._folder, trial.user_attrs.get(trials.OWNER)):
                trials.give_back(self._study, trial, "its worker's machine or process ended")
            elif watching and now - self._beats[trial.number].at > GRACE:
                trials.give_back(self._study, trial, f"its worker sent no heartbeat for {GRACE} s")

    def _last_beat(self, trial: FrozenTrial, now: float) -> _LastBeat:
        count, known = trial.system_attrs.get(BEATS, 0), self._beats.get(trial.number)
        return known if known and known.count == count else _LastBeat(count, now)
