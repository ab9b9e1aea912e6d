"""What a verification says where there is no terminal."""

import pytest

from nas.cli import follow
from nas.cli.follow import Runs
from nas.execution import progress as progressing
from nas.records import Record, Run, State
from nas.results.plan import Job, Plan
from nas.training import Epoch

ONE = Record(7, State.TRAINED, params=1_024)
OTHER = Record(8, State.TRAINED, params=2_048)


class Clock:
    """Time that passes when it is told to."""

    now = 1_000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    for module in (follow, progressing):
        monkeypatch.setattr(module, "time", made)
    return made


def epochs(runs: Runs, index: int, *numbers: int) -> None:
    for number in numbers:
        runs.epoch(Job(ONE, index), Epoch(number, 0.5, 90.0, None, None, 1.0))


def test_a_verification_says_now_and_then_how_far_it_is(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = Runs(all_of_them=True)
    plan = Plan([ONE], seeds=3)
    runs.begin(plan, [Job(ONE, 1), Job(ONE, 2)], 15)
    assert capsys.readouterr().out == "1 candidate, 3 runs of 15 epochs, 1 already done\n"
    clock.now += 20
    runs.tick()
    assert capsys.readouterr().out == ""
    clock.now += 20
    runs.tick()
    assert capsys.readouterr().out == "  1/3 runs, 15/45 epochs, first epoch under way\n"
    clock.now += 60
    epochs(runs, 1, 1, 2, 3, 4, 5)
    runs.tick()
    assert capsys.readouterr().out == "  1/3 runs, 20/45 epochs, 8 min left\n"
    for waiting in (60, 3_600):
        clock.now += waiting
        runs.tick()
        said = "  1/3 runs, 20/45 epochs, 8 min left\n"
        assert capsys.readouterr().out == said, "the sixth epoch is under way"
    epochs(runs, 1, *range(6, 16))
    runs.run(ONE, Run(7, 1, 11, 15, (99.4,), 0.02, 321.4, "cpu"))
    said = "run 2/3: trial 7, 1,024 parameters, seed 2: 99.40 % on the test set, 321 s\n"
    assert capsys.readouterr().out == said


def test_a_run_that_is_made_again_counts_once(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = Runs(all_of_them=False)
    plan = Plan([ONE, OTHER], seeds=1)
    runs.begin(plan, plan.missing([]), 15)
    epochs(runs, 0, 1, 2, 3, 4)
    clock.now += 100
    epochs(runs, 0, 1)
    runs.tick()
    assert capsys.readouterr().out == (
        "2 candidates, at most 2 runs of 15 epochs, 0 already done\n"
        "  0/2 runs, 1/30 epochs, at most 10 min left\n"
    )


def test_the_costly_networks_are_first_and_the_time_left_knows_it(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    """One takes three times as long as the other: after half of the epochs a quarter is left."""
    slow, fast = (
        Record(number, State.TRAINED, params=1_024, curve=(Epoch(1, 0.5, 90.0, 0.4, 90.0, s),))
        for number, s in ((3, 6.0), (4, 2.0))
    )
    plan = Plan([fast, slow], seeds=1)
    first, second = plan.missing([])
    assert (first.record, second.record) == (slow, fast)
    runs = Runs(all_of_them=True)
    runs.begin(plan, [first, second], 15)
    clock.now += 900
    for number in range(1, 16):
        runs.epoch(first, Epoch(number, 0.5, 90.0, None, None, 60.0))
    runs.tick()
    assert capsys.readouterr().out.endswith("  0/2 runs, 15/30 epochs, 5 min left\n")
    runs.run(slow, Run(3, 0, 11, 15, (99.4,), 0.02, 900.0, "cpu"))
    clock.now += 100
    for number in range(1, 6):
        runs.epoch(second, Epoch(number, 0.5, 90.0, None, None, 20.0))
    runs.tick()
    assert capsys.readouterr().out.endswith("  1/2 runs, 20/30 epochs, 3 min left\n")
