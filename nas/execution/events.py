"""Events that workers send to their supervisor."""

from dataclasses import dataclass

from nas.records import Record
from nas.training import Epoch


@dataclass(frozen=True, slots=True)
class Ready:
    """The worker has loaded its data and starts drawing."""

    device: str
    precision: str


@dataclass(frozen=True, slots=True)
class Started:
    """A candidate passed the gate and starts training."""

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
    """A problem that does not stop the search."""

    message: str


@dataclass(frozen=True, slots=True)
class Done:
    """The worker has finished, for `reason`."""

    reason: str


WorkerEvent = Ready | Started | EpochDone | Ended | Warned | Done
