"""The workers of one search: started, listened to, replaced where they die, ended."""

import multiprocessing
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import optuna
from filelock import FileLock
from optuna.trial import TrialState

from nas.errors import NasError, StudyError
from nas.search import processes, trials, worker
from nas.search.config import StudyConfig
from nas.search.events import Broken, Done, Warned, WorkerEvent
from nas.search.folder import Folder
from nas.search.processes import core_of, default_workers, device_of
from nas.search.progress import Progress

if TYPE_CHECKING:
    from nas.training.arithmetic import Arithmetic

MAX_RESTARTS = 10  # of workers that died, in one search
STOP_SECONDS = 10  # that a worker has to end by itself
TICK = 0.5  # seconds between two calls of `Observer.tick`


class Observer(Protocol):
    """What wants to hear of a running search."""

    def begin(self, folder: Folder, config: StudyConfig, progress: Progress) -> None:
        """The study is open; its workers are about to start."""

    def event(self, worker: str, event: WorkerEvent, progress: Progress) -> None:
        """A worker told something; `progress` has taken it in."""

    def tick(self, progress: Progress) -> None:
        """Time has passed."""

    def warn(self, text: str) -> None:
        """Something went wrong, and the search goes on."""


@dataclass(slots=True)
class _Member:
    """A worker process and the line to it."""

    name: str
    index: int
    process: BaseProcess
    connection: Connection
    done: str | None = None


class Team:
    """The workers of one search."""

    def __init__(
        self,
        context: multiprocessing.context.BaseContext,
        folder: Folder,
        config: StudyConfig,
        device: str,
        arithmetic: "Arithmetic",
        data_dir: Path | None,
        study: optuna.Study,
        progress: Progress,
        observer: Observer,
    ) -> None:
        self._context = context
        self._folder = folder
        self._config = config
        self._device = device
        self._arithmetic = arithmetic
        self._data_dir = data_dir
        self._study = study
        self._progress = progress
        self._observer = observer
        self._members: list[_Member] = []
        self._restarts = 0
        self._size = 0  # workers wanted

    def run(self) -> str:
        """Work until all workers are done; returns the reason of the last one."""
        wanted = self._config.trials - self._progress.trained
        if wanted <= 0:
            return "complete"
        self._size = min(wanted, self._config.workers or default_workers(self._device))
        for index in range(self._size):
            self._start(index)
        last_tick = 0.0
        reason = "complete"
        while self._members:
            lines = [member.connection for member in self._members]
            for line in wait(lines, timeout=TICK):
                (member,) = (m for m in self._members if m.connection is line)
                self._listen(member)
                if member not in self._members and member.done:
                    reason = member.done
            if time.monotonic() - last_tick >= TICK:
                last_tick = time.monotonic()
                self._observer.tick(self._progress)
        return reason

    def end(self) -> None:
        """End all workers that still run, and give back what they were training."""
        for member in self._members:
            if member.process.is_alive():
                member.process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for member in self._members:
            member.process.join(max(0.0, deadline - time.monotonic()))
            if member.process.is_alive():
                member.process.kill()
                member.process.join()
            self._drain(member)
        self._members.clear()
        give_back_all(self._study, "the search was stopped")

    def _start(self, index: int) -> None:
        name = f"worker-{index}"
        device, core = device_of(index, self._device), core_of(index, self._size)
        arguments = (self._folder, name, index, device, core, self._arithmetic, self._data_dir)
        process, connection = processes.start(self._context, worker.main, arguments, name)
        self._members.append(_Member(name, index, process, connection))

    def _listen(self, member: _Member) -> None:
        try:
            event: WorkerEvent = member.connection.recv()
        except (EOFError, OSError):
            self._members.remove(member)
            member.process.join()
            if member.done is None:
                self._replace(member)
            return
        if isinstance(event, Broken):
            if event.user_error:
                raise NasError(event.message)
            raise RuntimeError(f"{member.name} broke:\n{event.message}")
        if isinstance(event, Warned):
            self._observer.warn(event.message)
        if isinstance(event, Done):
            member.done = event.reason
        self._progress.see(member.name, event)
        self._observer.event(member.name, event, self._progress)

    def _drain(self, member: _Member) -> None:
        """Take in what an ending worker still said, so that the counts are right."""
        while member.connection.poll():
            try:
                self._progress.see(member.name, member.connection.recv())
            except (EOFError, OSError):
                return

    def _replace(self, member: _Member) -> None:
        """Give back what a dead worker was training, and start another in its place."""
        self._progress.forget(member.name)
        how = processes.cause_of_death(member.process)
        with FileLock(self._folder.claim_lock):  # nobody is between asking and marking now
            give_back_all(self._study, f"{member.name} died ({how})", member.name)
        self._restarts += 1
        if self._restarts > MAX_RESTARTS:
            raise StudyError(
                f"{self._restarts} workers died, the last with {how}: is memory short? "
                "The same command goes on with what is there; --workers makes it fewer"
            )
        self._observer.warn(f"{member.name} died ({how}); its candidate is tried again")
        self._start(member.index)


def give_back_all(study: optuna.Study, reason: str, worker: str | None = None) -> None:
    """Give back the candidates in training: all, or those of `worker` and those of nobody yet."""
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        if worker is None or trial.user_attrs.get("worker", worker) == worker:
            trials.give_back(study, trial, reason)
