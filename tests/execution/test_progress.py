"""How long a search is said to go on."""

import time

import pytest

from nas.execution.events import EpochDone, Ready, Started
from nas.execution.progress import Progress
from nas.records import Record, State
from nas.training import Epoch


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What time it is, in its one place."""
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def ended(number: int, epochs: int) -> Record:
    state = State.TRAINED if epochs == 15 else State.STOPPED
    return Record(number, state, params=1_000, curve=tuple(map(epoch, range(1, epochs + 1))))


def epoch(number: int) -> Epoch:
    return Epoch(number, 0.5, 85.0, 0.4, 90.0, 1.0)


def trains(progress: Progress, worker: str, number: int, epochs: int) -> None:
    progress.update(worker, Ready("cpu", "float32"))
    progress.update(worker, Started(number, 1_000, "6 M 10k1 gap"))
    for n in range(1, epochs + 1):
        progress.update(worker, EpochDone(number, epoch(n)))


def test_the_time_left_counts_what_others_have_trained(clock: list[float]) -> None:
    # Half are stopped after the first epoch, one in four after the fourth: 5.25 in the mean.
    former = [ended(0, 1), ended(1, 1), ended(2, 4), ended(3, 15)]
    progress = Progress.of(10, 15, former)
    assert progress.seconds_left is None
    clock[0] = 2.0  # an epoch takes two seconds
    trains(progress, "worker-0", 4, 1)
    # Who has gone on after the first epoch has come to 9.5 in the mean; five more begin.
    assert progress.seconds_left == pytest.approx(2 * (8.5 + 5 * 5.25))


def test_one_that_has_passed_all_rungs_is_waited_for_to_its_end(clock: list[float]) -> None:
    progress = Progress.of(5, 15, [ended(0, 1), ended(1, 1), ended(2, 4), ended(3, 15)])
    clock[0] = 10.0
    trains(progress, "worker-0", 4, 10)
    assert progress.seconds_left == pytest.approx(5.0)  # not 0, though the mean is 5.25 epochs


def test_the_last_ones_are_as_slow_as_the_longest(clock: list[float]) -> None:
    progress = Progress.of(6, 15, [ended(0, 1), ended(1, 1), ended(2, 4), ended(3, 15)])
    clock[0] = 15.0  # both workers together train one epoch a second
    trains(progress, "worker-0", 4, 13)
    trains(progress, "worker-1", 5, 2)
    # Two epochs are left of the one, 7.5 of the other, each of which takes two seconds there.
    assert progress.seconds_left == pytest.approx(15.0)


def test_before_any_has_ended_all_are_counted_whole(clock: list[float]) -> None:
    progress = Progress(3, 15)
    clock[0] = 1.0
    trains(progress, "worker-0", 0, 1)
    assert progress.seconds_left == pytest.approx(14 + 2 * 15)
