"""What workers tell the process that supervises them."""

from dataclasses import dataclass

from nas.records import Record
from nas.training import Epoch


@dataclass(frozen=True, slots=True)
class Ready:
    """The worker has its data and begins to draw."""

    device: str
    precision: str


@dataclass(frozen=True, slots=True)
class Started:
    """A candidate passed the gate and begins to train."""

    number: int
    params: int
    summary: str


@dataclass(frozen=True, slots=True)
class EpochDone:
    """A candidate finished an epoch."""

    number: int
    epoch: Epoch


@dataclass(frozen=True, slots=True)
class Ended:
    """A draw ended: rejected, trained, failed or interrupted."""

    record: Record


@dataclass(frozen=True, slots=True)
class Warned:
    """Something went another way than it was to go, and the search goes on."""

    message: str


@dataclass(frozen=True, slots=True)
class Done:
    """The worker has nothing left to do, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Broken:
    """The worker met an error that ends the search."""

    message: str  # one line if the user can mend it, else the traceback
    user_error: bool


WorkerEvent = Ready | Started | EpochDone | Ended | Warned | Done | Broken
