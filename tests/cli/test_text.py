"""How far a search is, in words."""

from nas.cli.text import pace
from nas.execution.events import EpochDone, Started
from nas.execution.progress import Progress
from nas.records import State
from nas.training import Epoch


def test_the_time_left_is_an_upper_bound_until_a_candidate_has_been_stopped() -> None:
    progress = Progress(trials=10, epochs_each=15)
    assert pace(progress) == "first epoch under way"

    progress.update("worker-0", Started(0, 959, "6 M 10k1 gap"))
    progress.update("worker-0", EpochDone(0, Epoch(1, 0.5, 85.0, 0.4, 90.0, 1.0)))
    assert "at most" in pace(progress)

    progress.counts[State.STOPPED] = 1
    assert "at most" not in pace(progress)
    assert pace(progress).endswith("left")
