"""Signs of life: a worker gives them, and what stops giving them is given up."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

HEARTBEAT = 10  # seconds between two signs of life
GRACE = 40  # seconds without one, after which a worker is taken for dead


@contextmanager
def repeating(beat: Callable[[], None], name: str, seconds: float = HEARTBEAT) -> Iterator[None]:
    """While inside, `beat()` is called now and every few `seconds`, in a thread."""
    ended = threading.Event()

    def run() -> None:
        beat()
        while not ended.wait(seconds):
            beat()

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
