"""How a worker is stopped: on request, or when the process that started it is gone."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import parent_process
from os import _exit
from types import FrameType


class Stop(BaseException):
    """The supervisor wants this worker to end; raised in the middle of a training."""


class StopSignal:
    """SIGTERM as a request: it breaks off a training, and lets everything else finish first."""

    def __init__(self) -> None:
        self.requested = False
        self._training = False
        signal.signal(signal.SIGTERM, self._request)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the supervisor's to handle

    def _request(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        self.requested = True
        if self._training:
            raise Stop

    @contextmanager
    def may_interrupt(self) -> Iterator[None]:
        """While inside, a stop signal raises `Stop`."""
        self._training = True
        try:
            if self.requested:
                raise Stop
            yield
        finally:
            self._training = False

    @contextmanager
    def shielded(self) -> Iterator[None]:
        """While inside, within a training, a stop signal waits: a message is sent whole."""
        self._training = False
        yield
        self._training = True
        if self.requested:
            raise Stop


def end_with_parent() -> None:
    """Have this process end at once when the one that started it is gone, however it went."""
    parent = parent_process()
    assert parent is not None, "a worker runs in a process of its own"

    def watch() -> None:
        parent.join()
        _exit(1)

    threading.Thread(target=watch, daemon=True).start()


class Interrupts:
    """SIGTERM and Ctrl-C as `KeyboardInterrupt`, which waits for what has to be done as a whole.

    Who is told a second time to end by SIGTERM goes on ending, as long as `raised` lasts: `timeout`
    sends it to a process and to its group. A second Ctrl-C breaks that off as well.
    """

    def __init__(self) -> None:
        self._ending = False
        self._held = False
        self._waiting = False

    @contextmanager
    def raised(self) -> Iterator[None]:
        """While inside, both signals raise `KeyboardInterrupt`; one that is ignored stays so."""
        numbers = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.getsignal(number) for number in numbers}
        heeded = [number for number in numbers if before[number] is not signal.SIG_IGN]
        for number in heeded:
            signal.signal(number, self._interrupt)
        try:
            yield
        finally:
            for number in heeded:
                signal.signal(number, before[number])

    @contextmanager
    def held(self) -> Iterator[None]:
        """While inside, the first signal waits until the end of it; a second Ctrl-C does not.

        For what talks to a database: broken off within its driver it leaves connections behind that
        cannot be closed, and tracebacks in the log.
        """
        self._held = True
        try:
            yield
        finally:
            waiting, self._held, self._waiting = self._waiting, False, False
        if waiting:
            self._ending = True
            raise KeyboardInterrupt

    def _interrupt(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if number == signal.SIGTERM and (self._ending or self._waiting):
            return
        if self._held and not self._waiting:
            self._waiting = True
            return
        self._ending = True
        raise KeyboardInterrupt
