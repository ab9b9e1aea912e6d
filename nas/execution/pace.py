"""How fast epochs come, and how long more of them take."""

import time


class Pace:
    """Epochs that have ended since it was made, and the time up to the last of them.

    Not the time up to now: the next ones are under way then, and what is left would seem to grow
    until they end.
    """

    def __init__(self) -> None:
        self._epochs, self._work = 0, 0.0
        self._began = self._latest = time.monotonic()

    def count(self, work: float = 1.0) -> None:
        """An epoch has ended. Where some take longer than others, `work` is how much of it it was,
        in any unit."""
        self._epochs += 1
        self._work += work
        self._latest = time.monotonic()

    @property
    def per_second(self) -> float:
        """Epochs a second; 0 where the clock cannot tell yet."""
        elapsed = self._latest - self._began
        return self._epochs / elapsed if elapsed > 0 else 0.0

    def seconds(self, work: float) -> float | None:
        """That so much more work, or so many more epochs, take from now on; None before the first
        has ended.

        Of the one under way no more than an epoch's time has passed, however long it has: where
        everything waits, for a database that is away, what is left stays what it was.
        """
        if not self._epochs:
            return None
        elapsed = self._latest - self._began
        under_way = min(elapsed / self._epochs, time.monotonic() - self._latest)
        return max(0.0, work * elapsed / self._work - under_way)
