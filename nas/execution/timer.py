"""Call a function every few seconds, in a thread."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def repeating(call: Callable[[], None], name: str, seconds: float) -> Iterator[None]:
    """While inside, `call()` is called now and every few `seconds`, in a thread called `name`."""
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
