"""Signals: how workers stop, and how a search is interrupted."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import parent_process
from os import _exit
from types import FrameType


class Stop(BaseException):
    """The supervisor asked this worker to end; raised during training."""


class StopSignal:
    """Handles SIGTERM: interrupts training, and defers to the end of anything else."""

    def __init__(self) -> None:
        self.requested = False
        self._training = False
        signal.signal(signal.SIGTERM, self._request)

    def _request(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        self.requested = True
        if self._training:
            raise Stop

    @contextmanager
    def may_interrupt(self) -> Iterator[None]:
        """Context manager in which a stop signal raises `Stop`."""
        self._training = True
        try:
            if self.requested:
                raise Stop
            yield
        finally:
            self._training = False

    @contextmanager
    def shielded(self) -> Iterator[None]:
        """Context manager that defers a stop signal during training, so that writes complete."""
        self._training = False
        yield
        self._training = True
        if self.requested:
            raise Stop


def end_with_parent() -> None:
    """End this process as soon as its parent has ended, for any reason."""
    parent = parent_process()
    assert parent is not None, "a worker runs in a process of its own"

    def watch() -> None:
        parent.join()
        _exit(1)

    threading.Thread(target=watch, daemon=True).start()


class Interrupts:
    """Raises `KeyboardInterrupt` for SIGTERM and Ctrl-C, deferred inside `held`.

    Inside `raised`, a second SIGTERM is ignored, because `timeout` sends one to the process and one
    to its group. A second Ctrl-C interrupts again.
    """

    def __init__(self) -> None:
        self._ending = False
        self._held = False
        self._waiting = False

    @contextmanager
    def raised(self) -> Iterator[None]:
        """Context manager in which both signals, unless ignored, raise `KeyboardInterrupt`."""
        numbers = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.getsignal(number) for number in numbers}
        handled = [number for number in numbers if before[number] is not signal.SIG_IGN]
        for number in handled:
            signal.signal(number, self._interrupt)
        try:
            yield
        finally:
            for number in handled:
                signal.signal(number, before[number])

    @contextmanager
    def held(self) -> Iterator[None]:
        """Context manager that defers the first signal to its exit, but not a second Ctrl-C.

        Used around database calls: an interrupted driver leaks connections and logs tracebacks.
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
