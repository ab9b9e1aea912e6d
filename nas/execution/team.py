"""The workers of one search: started, listened to, replaced where they die, ended."""

import ctypes
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING

import optuna
from optuna.trial import TrialState

from nas.errors import NasError, StudyError
from nas.execution import processes, worker
from nas.execution.events import Broken, Done, Ended, Warned, WorkerEvent
from nas.execution.processes import advice, core_of, default_workers, device_of
from nas.execution.supervision import Supervision
from nas.execution.timer import repeating
from nas.execution.worker import Work
from nas.records import COUNTED, trials
from nas.storage.heartbeat import GRACE
from nas.storage.retry import is_away, line

if TYPE_CHECKING:
    from nas.execution.processes import Context

MAX_RESTARTS = 10  # of workers that died, with no candidate trained in between
STOP_SECONDS = 10  # that a worker has to end by itself
TICK = 0.5  # seconds between two calls of `Observer.tick`


@dataclass(slots=True)
class _Member:
    """A worker process and the line to it."""

    name: str
    index: int
    process: BaseProcess
    connection: Connection
    signs: ctypes.c_ulong  # how many signs of life it has given
    heard: int = 0  # how many of them we know, and since when
    since: float = field(default_factory=time.monotonic)
    hung: bool = False
    done: str | None = None


class Team:
    """The workers of one machine, or of one search."""

    def __init__(
        self,
        context: "Context",
        work: Work,
        supervision: Supervision,
    ) -> None:
        self._context = context
        self._work = work
        self._supervision = supervision
        self._observer, self._progress = supervision.observer, supervision.progress
        self._members: list[_Member] = []
        self._restarts = 0
        self._size = 0  # workers wanted
        self._listened = time.monotonic()  # when signs of life were looked for

    def run(self) -> str:
        """Work until all workers are done; returns the reason of the last one."""
        wanted = self._supervision.begin()
        if not wanted:
            return "complete"
        machine = self._work.machine
        workers = self._supervision.config.workers or default_workers(machine.device, machine.gpus)
        self._size = min(wanted, workers)
        if hint := advice(self._size, machine.gpus):
            self._observer.warn(hint)
        for index in range(self._size):
            self._start(index)
        # A worker that hangs in the middle of a write keeps everybody from the database, this
        # thread too: another ends it.
        with repeating(self._end_the_silent, "guard", TICK):
            return self._listen_to_all()

    def _listen_to_all(self) -> str:
        ticked = time.monotonic()
        reason = "complete"
        while self._members:
            connections = [member.connection for member in self._members]
            for connection in wait(connections, timeout=TICK):
                (member,) = (m for m in self._members if m.connection is connection)
                self._listen(member)
                if member not in self._members and member.done:
                    reason = member.done
            now = time.monotonic()
            if now - ticked >= TICK:
                ticked = now
                self._observer.tick(self._progress)
            self._supervision.look()
        return reason

    def _end_the_silent(self) -> None:
        """Kill workers that give no sign of life: they hang, and are replaced as the dead are."""
        now = time.monotonic()
        slept = now - self._listened > GRACE / 2  # then we have not been there to listen
        self._listened = now
        for member in tuple(self._members):
            signs = member.signs.value
            if slept or signs != member.heard:
                member.heard, member.since = signs, now
            elif now - member.since > GRACE:
                member.hung, member.since = True, now
                member.process.kill()

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
        try:
            self._give_back(self._supervision.study, "the search was stopped")
            self._supervision.look(now=True)  # at what had not been signed yet
        except Exception as error:
            if not is_away(error):
                raise
            self._observer.warn(
                f"what was in training is given back when the study is next opened: {line(error)}"
            )

    def _give_back(self, study: optuna.Study, reason: str, name: str | None = None) -> None:
        """Give back what our workers were training, or the one called `name`."""
        for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            ours = trial.user_attrs.get(trials.OWNER) == self._work.owner
            if ours and name in (None, trial.user_attrs["worker"]):
                trials.give_back(study, trial, reason)

    def _start(self, index: int) -> None:
        name = self._work.name(index)
        machine = self._work.machine
        device = device_of(index, machine.device, machine.gpus)
        core = core_of(index, self._size)
        signs = self._context.RawValue(ctypes.c_ulong)
        arguments = (self._work, index, device, core, signs)
        process, connection = processes.start(self._context, worker.main, arguments, name)
        self._members.append(_Member(name, index, process, connection, signs))

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
        if isinstance(event, Ended) and event.record.state in COUNTED:
            self._restarts = 0
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
        if member.hung:
            how = f"killed after {GRACE} s without a sign of life"
        self._give_back(self._supervision.patient, f"{member.name} died ({how})", member.name)
        self._supervision.look(now=True)  # at what it had not signed yet
        self._restarts += 1
        if self._restarts > MAX_RESTARTS:
            raise StudyError(
                f"{self._restarts} workers died in a row, the last with {how}: is memory short? "
                "The same command goes on with what is there; --workers makes it fewer"
            )
        self._observer.warn(f"{member.name} died ({how}); its candidate is tried again")
        self._start(member.index)
