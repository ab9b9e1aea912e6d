"""What a study records of a candidate."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from nas.architecture import Architecture
from nas.records.point import Point
from nas.training import Epoch


class State(StrEnum):
    """How a draw ended.

    TRAINED and STOPPED draws count towards `--trials`; only TRAINED ones can be on the front.
    """

    TRAINED = "trained"  # to its last epoch
    STOPPED = "stopped early"  # trained, judged at a rung, and ended there
    OVER_BUDGET = "over budget"  # rejected: a limit is exceeded
    TOO_SMALL = "too small"  # rejected: fewer parameters than --min-params
    DUPLICATE = "duplicate"  # rejected: an earlier trial has this architecture
    IMPOSSIBLE = "impossible"  # rejected: the layers do not fit together
    FAILED = "failed"  # its training failed
    INTERRUPTED = "interrupted"  # its worker was stopped or died; it is tried again
    RUNNING = "running"

    @property
    def rejected(self) -> bool:
        """Whether the draw was rejected before training."""
        return self in REJECTED


COUNTED = (State.TRAINED, State.STOPPED)  # towards --trials
REJECTED = (State.OVER_BUDGET, State.TOO_SMALL, State.DUPLICATE, State.IMPOSSIBLE)


@dataclass(frozen=True, slots=True)
class Record:
    """One draw of a study. Its costs are None if the draw is impossible or is not complete yet."""

    number: int
    state: State
    reason: str = ""  # why it was rejected, stopped, failed or interrupted
    sampled: Mapping[str, Any] = field(default_factory=dict)  # the search space's parameters
    architecture_json: str | None = None
    hash: str | None = None
    params: int | None = None
    macs: int | None = None
    peak_ram: int | None = None  # bytes, float32, input included
    curve: tuple[Epoch, ...] = ()
    worker: str = ""
    device: str = ""
    seed: int | None = None
    started: datetime | None = None
    finished: datetime | None = None

    @property
    def architecture(self) -> Architecture:
        """The architecture; raises `ArchitectureError` if the record has no valid one."""
        return Architecture.from_json(self.architecture_json or "")

    @property
    def accuracy(self) -> float | None:
        """Held-out accuracy after its last epoch, in percent; None if it never trained."""
        return self.curve[-1].accuracy if self.curve else None

    @property
    def point(self) -> Point:
        """Its size and accuracy; only for a candidate that has trained."""
        assert self.params is not None, f"trial {self.number} has no parameter count"
        assert self.accuracy is not None, f"trial {self.number} has no accuracy"
        return Point(self.params, self.accuracy)

    @property
    def epochs(self) -> int:
        """The number of epochs trained."""
        return len(self.curve)

    @property
    def seconds(self) -> float:
        """The seconds spent in training."""
        return sum(epoch.seconds for epoch in self.curve)
