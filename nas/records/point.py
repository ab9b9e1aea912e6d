"""Where a candidate stands at one moment."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Point:
    """A candidate's size, and its accuracy on the held-out images in percent."""

    params: int
    accuracy: float

    @property
    def error(self) -> float:
        """In percent, at least half an image of 10,000."""
        return max(100 - self.accuracy, 0.005)
