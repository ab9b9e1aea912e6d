"""Verification: the order of its runs, what it reports, and that it resumes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest

from nas.cli.app import run as nas
from nas.data.images import Normalizer, Split, load_test, load_training
from nas.errors import StudyError
from nas.records import Record, Run, State, Target, trials, verifications
from nas.results import verify as verification
from nas.results import view
from nas.results.plan import Job, Plan
from nas.results.verify import verify
from nas.training import Epoch
from nas.training.arithmetic import Arithmetic

PLAIN = Arithmetic("float32")


def candidate(number: int, params: int) -> Record:
    curve = (Epoch(1, 0.5, 90.0, 0.4, 95.0, seconds=params / 100),)
    return Record(number, State.TRAINED, params=params, curve=curve)


def made(trial: int, index: int, *accuracies: float) -> Run:
    return Run(trial, index, 100 + index, 15, accuracies, 0.1, 2.0, "cpu")


SMALL, MIDDLE, LARGE = (candidate(n, size) for n, size in enumerate((500, 1_000, 2_000)))


def task(job: Job, of: view.StudyView) -> verification._Task:
    return verification._Task(
        job=job,
        config=of.config,
        sustained=1,
        arithmetic=PLAIN,
        data_dir=None,
    )


class Silent:
    """Follows a verification and remembers what it was told."""

    def __init__(self) -> None:
        self.began: tuple[int, int] | None = None
        self.ended: list[Run] = []
        self.warnings: list[str] = []

    def begin(self, plan: Plan, missing: Sequence[Job], epochs: int) -> None:  # noqa: ARG002
        jobs = len(plan.candidates) * plan.seeds
        self.began = jobs - len(missing), jobs

    def epoch(self, *_: object) -> None: ...
    def tick(self) -> None: ...

    def run(self, record: Record, run: Run) -> None:  # noqa: ARG002
        self.ended.append(run)

    def warn(self, text: str) -> None:
        self.warnings.append(text)


def test_mean_spread_and_minimum_are_of_the_last_epoch() -> None:
    found = verifications([made(3, 1, 99.9, 99.0), made(3, 0, 98.0), made(4, 0, 97.0)])
    assert (found[3].n, found[3].mean, found[3].minimum) == (2, 98.5, 98.0)
    assert found[3].std == pytest.approx(0.7071, abs=1e-4)
    assert found[4].std is None
    assert "98.50 ± 0.71 % on the test set (mean ± standard deviation of 2 seeds" in (
        found[3].sentence()
    )
    assert "from 1 seed" in found[4].sentence()


def test_a_target_is_decided_as_soon_as_it_can_be() -> None:
    target = Target(99.0, passes=2, seeds=3)
    assert target.verdict([]) is None
    assert target.verdict([made(0, 0, 98.0)]) is None
    assert target.verdict([made(0, 0, 98.0), made(0, 1, 98.9)]) is False
    # Reached, but its mean is to be that of all seeds.
    assert target.verdict([made(0, 0, 99.0), made(0, 1, 99.5)]) is None
    assert target.verdict([made(0, 0, 99.0), made(0, 1, 99.5), made(0, 2, 90.0)]) is True


def test_a_sustained_target_asks_each_of_the_last_epochs() -> None:
    run = made(0, 0, 98.9, 99.2, 99.1)
    assert run.passes(99.0)
    assert run.passes(99.0, sustained=2)
    assert not run.passes(99.0, sustained=3)
    assert not run.passes(90.0, sustained=4), "it was read after three epochs only"


def test_without_a_target_everybody_has_a_first_run_before_a_second_the_costly_first() -> None:
    plan = Plan([SMALL, MIDDLE, LARGE], seeds=2)
    order: list[tuple[int, int]] = []
    while job := plan.next([], set(order)):
        order.append(job.key)
    assert order == [(2, 0), (1, 0), (0, 0), (2, 1), (1, 1), (0, 1)]
    assert plan.next([made(2, 0, 99.0)], set()) == Job(MIDDLE, 0)


def test_with_a_target_it_walks_up_from_the_smallest() -> None:
    plan = Plan([SMALL, MIDDLE, LARGE], 2, target=Target(99.0, 2, 2))
    assert plan.next([], set()) == Job(SMALL, 0)
    failed = [made(0, 0, 98.0)]
    assert plan.next(failed, set()) == Job(MIDDLE, 0), "the small one can no longer reach it"
    # A free worker goes ahead while it is open whether the middle one reaches it.
    assert plan.next(failed, {(1, 0), (1, 1)}) == Job(LARGE, 0)
    passed = [*failed, made(1, 0, 99.0), made(1, 1, 99.0)]
    assert plan.next(passed, set()) is None
    assert plan.answer(passed) is MIDDLE
    assert plan.answer(passed[:2]) is None
    none = [made(n, 0, 90.0) for n in range(3)]
    assert plan.next(none, set()) is None
    assert plan.answer(none) is None
    # The large one has reached it, but it is still open whether the middle one does.
    assert plan.answer([*failed, made(2, 0, 99.5), made(2, 1, 99.5)]) is None


def test_runs_that_were_not_read_often_enough_are_made_again() -> None:
    plan = Plan([SMALL], 1, sustained=2, target=Target(99.0, 1, 1, sustained=2))
    assert plan.next([made(0, 0, 99.5)], set()) == Job(SMALL, 0)
    assert plan.next([made(0, 0, 99.5, 99.5)], set()) is None


def test_twice_gives_the_same_figures_and_the_study_holds_them(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import shutil

    other = Path(shutil.copytree(study, tmp_path / "other"))
    assert nas(["verify", str(study), "--front", "--seeds", "2", "--workers", "2"]) == 0
    output = " ".join(capsys.readouterr().out.split())
    number = str(view.open_study(str(study)).front[0].number)
    assert nas(["verify", str(other), "--trial", number, "--seeds", "1", "--workers", "1"]) == 0
    one, two = view.open_study(str(study)), view.open_study(str(other))
    figures = {(run.trial, run.index): (run.seed, run.accuracies, run.loss) for run in one.runs}
    again = {(run.trial, run.index): (run.seed, run.accuracies, run.loss) for run in two.runs}
    assert again == {(int(number), 0): figures[int(number), 0]}
    assert set(figures) == {(record.number, i) for record in one.front for i in (0, 1)}
    assert all(len(accuracies) == 1 for _, accuracies, _ in figures.values()), "read once"
    assert len({seed for seed, _, _ in figures.values()}) == len(figures)
    table = pd.read_csv(study / "front.csv").set_index("number")
    for number, verified in one.verified.items():
        assert f"{verified.mean:.2f}" in output
        assert table.loc[number, "test_mean"] == pytest.approx(verified.mean, abs=1e-4)
        assert table.loc[number, "test_n"] == 2
    rows = pd.read_csv(study / "verify.csv")
    assert len(rows) == len(figures)
    # Again: nothing is left to do.
    idle = Silent()
    verify(one, Plan(one.front, 2), idle)
    assert idle.began == (len(figures), len(figures))
    assert not idle.ended


def test_it_trains_on_all_training_images_and_the_test_images_come_last(
    study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the run itself: what it trains on, and when it reads test images."""
    from nas.training import fit as training
    from nas.training import measuring

    one = view.open_study(str(study))
    whole, test = load_training(one.config.data), load_test(one.config.data)
    read: list[int] = []
    epochs: list[Epoch] = []
    measure = measuring.evaluate

    def noted(model: object, images: object, normalizer: Normalizer, recipe: object) -> object:
        read.append(len(epochs))
        assert len(images) == len(test)  # type: ignore[arg-type]
        return measure(model, images, normalizer, recipe)  # type: ignore[arg-type]

    trained_on: list[Split] = []
    train = training.fit

    def watched(architecture: object, data: Split, *rest: object) -> object:
        trained_on.append(data)
        return train(architecture, data, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(measuring, "evaluate", noted)
    monkeypatch.setattr(training, "fit", watched)
    job = Job(one.front[0], 0)
    run = verification._run(task(job, one), "cpu", epochs.append)
    assert len(trained_on[0].train) == len(whole)
    assert read == [1], "once, when the second of two epochs has been trained"
    assert [epoch.accuracy is None for epoch in epochs] == [True, False]
    assert run.accuracies == (epochs[-1].accuracy,)


def test_sustained_reads_the_last_epochs(study: Path) -> None:
    one = view.open_study(str(study))
    plan = Plan(one.front[:1], 1, sustained=2, target=Target(1.0, 1, 1, sustained=2))
    (run,) = verify(one, plan, Silent(), workers=1)
    assert len(run.accuracies) == 2
    assert plan.answer([run]) is one.front[0]


def test_a_target_is_answered_with_a_status(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert nas(["verify", str(study), "--seeds", "1", "--target", "100"]) == 1
    assert "No network of the front reaches 100 % in at least 1 of 1 seeds" in (
        " ".join(capsys.readouterr().out.split())
    )
    assert nas(["verify", str(study), "--seeds", "1", "--target", "1"]) == 0
    output = " ".join(capsys.readouterr().out.split())
    front = view.open_study(str(study)).front
    smallest, best = front[0], front[-1]
    assert f"Trial {smallest.number}, {smallest.params} parameters, is the smallest" in output
    assert f"To export it: nas export {study} --trial {smallest.number}" in output
    least = f"{best.accuracy}"
    flags = ["--seeds", "1", "--target", "1", "--min-accuracy", least]
    assert nas(["verify", str(study), *flags]) == 0
    output = " ".join(capsys.readouterr().out.split())
    assert "1 candidate, at most 1 run of 2 epochs" in output
    assert (
        f"Trial {best.number}, {best.params} parameters, is the smallest of the front from"
        in output
    )


def test_several_candidates_are_verified_and_shown_by_size(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    front = view.open_study(str(study)).front
    first, last = str(front[0].number), str(front[-1].number)
    flags = ["--trial", last, "--trial", first, "--trial", last, "--seeds", "1"]
    assert nas(["verify", str(study), *flags]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    sizes = [f"{front[0].params:,}", f"{front[-1].params:,}"]
    assert [row[0] for row in rows if row and row[0] in sizes] == sizes


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ("--seeds 0", "--seeds 0: choose at least 1"),
        ("--workers 0", "--workers 0: choose at least 1"),
        ("--trial 999", "the study has no trial 999: its trials are 0 to"),
        ("--trial 0 --front", "--trial excludes --front and --min-accuracy: give one"),
        ("--trial 0 --min-accuracy 9", "--trial excludes --front and --min-accuracy"),
        ("--min-accuracy 100", "--min-accuracy 100: the most accurate candidate has "),
        ("--pass 2", "--pass and --sustained need a --target"),
        ("--target 101", "--target 101: it is in percent"),
        ("--target 99 --pass 6", "--pass 6: choose from 1 to the number of seeds, 5"),
        ("--target 99 --sustained 3", "--sustained 3: choose from 1 to the 2 epochs"),
        ("--device gpu", "unknown device 'gpu'"),
    ],
)
def test_bad_input_is_one_line(
    flags: str, message: str, study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert nas(["verify", str(study), *flags.split()]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert message in error


def test_a_candidate_that_never_trained_is_refused(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = view.open_study(str(study))
    other = next(r for r in found.records if r.state is State.OVER_BUDGET)
    for command in ("verify", "export"):
        assert nas([command, str(study), "--trial", str(other.number)]) == 2
        assert f"trial {other.number} is over budget, so it has no network" in (
            capsys.readouterr().err
        )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_keeps_what_has_ended_and_says_how_to_resume(
    study: Path, number: signal.Signals
) -> None:
    command = [
        sys.executable,
        "-m",
        "nas",
        "verify",
        str(study),
        "--seeds",
        "200",
        "--workers",
        "2",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    while "run 2/" not in process.stdout.readline():
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
    process.send_signal(number)
    if number == signal.SIGTERM:  # `timeout` sends it twice
        time.sleep(0.01)
        process.send_signal(number)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "Stopped. To resume: nas verify" in output
    assert errors == ""
    runs = len(view.open_study(str(study)).runs)
    assert runs >= 2
    assert len(pd.read_csv(study / "verify.csv")) == runs


def test_a_run_whose_process_is_killed_is_made_again(
    study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = view.open_study(str(study))
    silent = Silent()
    start = verification._Team._start
    killed: list[int] = []

    def start_and_kill(team: verification._Team, job: Job, slot: int) -> None:
        start(team, job, slot)
        pid = next(reversed(team._jobs)).process.pid
        if not killed and pid:
            killed.append(pid)
            os.kill(pid, signal.SIGKILL)

    monkeypatch.setattr(verification._Team, "_start", start_and_kill)
    runs = verify(one, Plan(one.front[:1], 1), silent, workers=1)
    assert len(runs) == 1
    who = f"the process training trial {one.front[0].number}"
    assert silent.warnings == [f"{who} died (signal SIGKILL); the run is tried again"]


def test_two_at_once_are_refused(study: Path) -> None:
    one = view.open_study(str(study))
    with (
        one.folder.held(one.folder.verify_lock, "verified"),
        pytest.raises(StudyError, match="is being verified by another process"),
    ):
        verify(one, Plan(one.front, 1), Silent())


def test_runs_survive_the_study(study: Path) -> None:
    one = view.open_study(str(study))
    run = made(one.front[0].number, 0, 97.5, 98.5)
    trials.add_run(one.study, run)
    assert view.open_study(str(study)).runs == [run]


def test_an_architecture_that_cannot_be_trained_is_an_error_of_one_line(
    study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nas.training import fit as training

    def fails(*_: object) -> None:
        raise training.TrainingError("the loss is not a finite number in epoch 1")

    monkeypatch.setattr(training, "fit", fails)
    one = view.open_study(str(study))
    with pytest.raises(StudyError, match="cannot be verified: the loss is not a finite number"):
        verification._run(task(Job(one.front[0], 0), one), "cpu", print)
