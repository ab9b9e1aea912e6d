"""Run a search: start the workers, follow them, replace the dead, and leave the study whole."""

import multiprocessing
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import optuna
from filelock import FileLock, Timeout

from nas.data import ensure
from nas.errors import StudyError
from nas.records import Record
from nas.records.tables import write_tables
from nas.search import folder as folders
from nas.search import storage, trials
from nas.search.folder import Folder
from nas.search.progress import Progress
from nas.search.team import Observer, Team, give_back_all


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a search ended."""

    folder: Folder
    records: list[Record]
    reason: str  # "complete", or what kept it from that
    interrupted: bool = False


def search(
    study: str | None,
    flags: Mapping[str, Any],
    observer: Observer,
    data_dir: Path | None = None,
) -> Outcome:
    """Make or resume the study called `study` and work until it has its trials.

    `flags` are the settings that the user gave. Raises `NasError` for what the user can mend; the
    study is whole then, and the same call goes on with it.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    context = _context()
    folder, config, space = folders.prepare(study, flags)
    ensure(config.data, data_dir)
    from nas.training import device as devices

    device = devices.resolve(config.device)
    folders.write(folder, config, space, {"device": devices.describe(device)})
    with _alone(folder):
        optuna_study = storage.create(folder.database, folder.name)
        for params in space.start(config.task):
            optuna_study.enqueue_trial(dict(params), skip_if_exists=True)
        give_back_all(optuna_study, "its search ended without it")
        records = trials.records(optuna_study)
        progress = Progress.of(config.trials, config.recipe.epochs, records)
        observer.begin(folder, config, progress)
        team = Team(
            context, folder, config, str(device), data_dir, optuna_study, progress, observer
        )
        interrupted = False
        try:
            with _sigterm_as_interrupt():
                reason = team.run()
        except KeyboardInterrupt:
            reason, interrupted = "stopped", True
        finally:
            team.end()
            records = trials.records(optuna_study)
            write_tables(records, folder.path)
    return Outcome(folder, records, reason, interrupted)


def _context() -> multiprocessing.context.BaseContext:
    """How workers are started: forked from a server that has imported torch, where that exists.

    The server begins to import at once, beside whatever this process does until it needs workers.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    from multiprocessing import forkserver

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["nas.search.preload"])
    # A Ctrl-C is for this process alone; what is ignored stays ignored in a new process.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        forkserver.ensure_running()
    finally:
        signal.signal(signal.SIGINT, before)
    return context


@contextmanager
def _alone(folder: Folder) -> Iterator[None]:
    """Hold the study for this search; raises `StudyError` if another search has it."""
    lock = FileLock(folder.search_lock)
    try:
        lock.acquire(timeout=1)  # `nas status` holds it for an instant
    except Timeout:
        raise StudyError(
            f"study {folder.name} is being searched by another process: "
            "wait for it, or choose another --study"
        ) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _sigterm_as_interrupt() -> Iterator[None]:
    def interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
