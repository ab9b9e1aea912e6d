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


@contextmanager
def sigterm_as_interrupt() -> Iterator[None]:
    """While inside, SIGTERM raises `KeyboardInterrupt`, as Ctrl-C does."""

    def interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
