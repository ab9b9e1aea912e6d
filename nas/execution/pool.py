"""Pool of training processes on the devices of this machine.

A process runs `target(*arguments, device, send)`. `Pool.messages` yields what it passes to `send`,
then its exit. Each process sends heartbeats from a thread. A process without a heartbeat for
`GRACE` seconds, for example one that hangs in a write, is killed.
"""

import ctypes
import signal
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING, Any

from nas.errors import NasError
from nas.execution import processes
from nas.execution.liveness import GRACE, HEARTBEAT, repeating
from nas.execution.processes import core_of, default_workers, device_of, settle
from nas.training.machine import Machine

if TYPE_CHECKING:
    from nas.execution.processes import Context

TICK = 0.5  # seconds between checks
STOP_SECONDS = 10  # before a process is killed
Send = Callable[[object], None]


@dataclass(frozen=True, slots=True)
class Gone:
    """A process has ended."""

    how: str  # "signal SIGKILL", "status 1"


@dataclass(frozen=True, slots=True)
class _Raised:
    """An exception in a process."""

    message: str  # one line for a `NasError`, else the traceback
    user_error: bool


@dataclass(slots=True, eq=False)
class Member:
    """A process of the pool."""

    name: str
    slot: int
    process: BaseProcess
    connection: Connection
    beats: ctypes.c_ulong  # heartbeats sent
    last_beats: int = 0  # its value at the last check
    since: float = field(default_factory=time.monotonic)  # time of the last new heartbeat
    hung: bool = False


class Pool:
    """Up to `size` processes, each in its own slot."""

    def __init__(self, context: "Context", machine: Machine, size: int) -> None:
        self._context = context
        self._machine = machine
        self.size = size
        self._members: list[Member] = []
        self._last_check = time.monotonic()  # of heartbeats

    def __bool__(self) -> bool:
        """Whether any process is running."""
        return bool(self._members)

    @property
    def free(self) -> list[int]:
        """The slots without a process."""
        taken = {member.slot for member in self._members}
        return [slot for slot in range(self.size) if slot not in taken]

    def start(
        self, slot: int, name: str, target: Callable[..., None], *arguments: object
    ) -> Member:
        """Start `target(*arguments, device, send)` in a process in `slot`."""
        device = device_of(slot, self._machine.device, self._machine.gpus)
        beats = self._context.RawValue(ctypes.c_ulong)
        body = (target, arguments, device, core_of(slot, self.size), beats)
        process, connection = processes.start(self._context, _main, body, name)
        member = Member(name, slot, process, connection, beats)
        self._members.append(member)
        return member

    def messages(self) -> Iterator[tuple[Member, Any]]:
        """Yield messages that arrive within `TICK` seconds; `Gone` is a process's last message.

        Raises a process's `NasError`, and `RuntimeError` for any other exception in a process.
        """
        by_connection = {member.connection: member for member in self._members}
        for connection in wait(list(by_connection), timeout=TICK):
            member = by_connection[connection]  # type: ignore[index]
            yield member, self._receive(member)

    def guarded(self) -> AbstractContextManager[None]:
        """Context manager that kills hung processes, even while this thread is blocked."""
        return repeating(self._kill_hung, "guard", TICK)

    def stop(self) -> list[tuple[Member, Any]]:
        """Stop all processes, killing them after `STOP_SECONDS`; returns their last messages."""
        for member in self._members:
            if member.process.is_alive():
                member.process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        messages: list[tuple[Member, Any]] = []
        for member in self._members:
            member.process.join(max(0.0, deadline - time.monotonic()))
            if member.process.is_alive():
                member.process.kill()
                member.process.join()
            messages += self._unread(member)
        self._members.clear()
        return messages

    def _receive(self, member: Member) -> Any:
        try:
            message = member.connection.recv()
        except (EOFError, OSError):
            self._members.remove(member)
            member.process.join()
            if member.hung:
                return Gone(f"killed after {GRACE} s without a heartbeat")
            return Gone(processes.cause_of_death(member.process))
        if isinstance(message, _Raised):
            if message.user_error:
                raise NasError(message.message)
            raise RuntimeError(f"{member.name} failed:\n{message.message}")
        return message

    def _unread(self, member: Member) -> Iterator[tuple[Member, Any]]:
        while member.connection.poll():
            try:
                yield member, member.connection.recv()
            except (EOFError, OSError):
                return

    def _kill_hung(self) -> None:
        now = time.monotonic()
        slept = now - self._last_check > GRACE / 2  # this process was suspended
        self._last_check = now
        for member in tuple(self._members):
            beats = member.beats.value
            if slept or beats != member.last_beats:
                member.last_beats, member.since = beats, now
            elif now - member.since > GRACE:
                member.hung, member.since = True, now
                member.process.kill()


def pool_of(context: "Context", machine: Machine, workers: int | None, wanted: int) -> Pool:
    """A pool of `workers` processes, by default as suits `machine`; at most `wanted` of them."""
    size = workers or default_workers(machine.device, machine.gpus)
    return Pool(context, machine, max(1, min(wanted, size)))


def _main(
    target: Callable[..., None],
    arguments: tuple[object, ...],
    device: str,
    core: int | None,
    beats: ctypes.c_ulong,
    connection: Connection,
) -> None:
    """The body of a process."""

    def beat() -> None:
        beats.value += 1

    def send(message: Any) -> None:
        try:
            connection.send(message)
        except BrokenPipeError:
            return  # the supervisor ended; this process ends with it

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the supervisor handles Ctrl-C
    with repeating(beat, "alive", HEARTBEAT):
        try:
            if device == "cpu":
                settle(core)
            target(*arguments, device, send)
        except NasError as error:
            send(_Raised(str(error), user_error=True))
        except Exception:
            send(_Raised(traceback.format_exc(), user_error=False))
