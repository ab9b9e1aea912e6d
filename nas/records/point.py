"""A candidate's size and accuracy."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Point:
    """A candidate's parameters, and its held-out accuracy in percent at some epoch."""

    params: int
    accuracy: float

    @property
    def error(self) -> float:
        """In percent; at least half an image of 10,000, so that it has a logarithm."""
        return max(100 - self.accuracy, 0.005)
