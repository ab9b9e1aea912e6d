"""Whole searches, in real processes, on the embedded digits."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import tiny
from idx import write_noise
from optuna.trial import TrialState
from proc import PROC, session
from safetensors.torch import load_file

from nas.api import Outcome, search
from nas.architecture import Architecture, Conv, Flatten, GlobalAvgPool
from nas.architecture.module import build
from nas.errors import NasError, StudyError
from nas.execution.events import Ended
from nas.pruning import early_stopping
from nas.records import REJECTED, Record, State, pareto_front, trials
from nas.storage import studies
from nas.study import folder as folders
from nas.study.folder import Folder

pytestmark = pytest.mark.usefixtures("workplace")


class Silent:
    """Follows a search and remembers what it was warned of."""

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.events: list[tuple[str, Any]] = []

    def begin(self, *_: object) -> None: ...
    def tick(self, *_: object) -> None: ...

    def event(self, worker: str, event: Any, progress: Any) -> None:  # noqa: ARG002
        self.events.append((worker, event))

    def warn(self, text: str) -> None:
        self.warnings.append(text)


def run(study: str = "s", follower: Silent | None = None, **flags: Any) -> Outcome:
    settings = {"dataset": "digits", "epochs": 1, "device": "cpu", "budget": 2_000} | flags
    return search(study, settings, follower or Silent())


def states(records: list[Record]) -> Counter[State]:
    return Counter(record.state for record in records)


def check_whole(study: str, trained: int) -> list[Record]:
    """The study is whole: exact totals, nothing running, every trained candidate's files there."""
    folder = folders.existing(study)
    records = trials.records(studies.load(folder.location))
    assert states(records)[State.TRAINED] == trained
    assert states(records)[State.RUNNING] == 0
    hashes = [record.hash for record in records if record.state is State.TRAINED]
    assert len(set(hashes)) == len(hashes)
    for record in records:
        if record.state is not State.TRAINED:
            continue
        home = folder.trials / str(record.number)
        assert {file.name for file in home.iterdir()} == {"model.py", "weights.safetensors"}
        build(record.architecture).load_state_dict(load_file(home / "weights.safetensors"))
    table = pd.read_csv(folder.path / "trials.csv")
    assert (table["state"] == "trained").sum() == trained
    return records


def test_early_stopping_counts_what_it_stops_and_keeps_it_off_the_front() -> None:
    """All nets are of similar size: of those that come late, only a third may go on."""
    follower = Silent()
    settings = {"space": tiny.write(), "epochs": 2, "early_stop": "neighbours"}
    outcome = run(follower=follower, trials=12, workers=2, **settings)
    assert outcome.reason == "complete"
    found = states(outcome.records)
    assert found[State.TRAINED] + found[State.STOPPED] == 12
    assert found[State.STOPPED] >= 2
    assert found[State.TRAINED] >= 4, "the first go on: there are too few to compare with"
    assert found[State.RUNNING] == 0
    front = {record.number for record in pareto_front(outcome.records)}
    study = studies.load(Folder(Path("studies/s")).location)
    for record in outcome.records:
        if record.state is not State.STOPPED:
            continue
        assert record.epochs == 1
        assert "% after epoch 1: rank " in record.reason
        assert record.number not in front
        assert study.trials[record.number].state is TrialState.PRUNED
        assert study.trials[record.number].user_attrs["accuracy after epoch 1"] == record.accuracy
        assert not Path(f"studies/s/trials/{record.number}").exists()
    (last,) = [event.record for _, event in follower.events if isinstance(event, Ended)][-1:]
    assert last.state in State
    table = pd.read_csv("studies/s/trials.csv").set_index("number")
    for record in outcome.records:
        if record.state is State.STOPPED:
            assert table.loc[record.number, "state"] == "stopped early"
            assert table.loc[record.number, "epochs"] == 1
    # Goes on to the exact total, and stops by what the first search has recorded.
    more = run(trials=16, workers=1, **settings)
    found = states(more.records)
    assert found[State.TRAINED] + found[State.STOPPED] == 16


def test_nets_below_the_least_size_are_not_trained() -> None:
    outcome = run(
        trials=2,
        workers=1,
        space=tiny.write(60),
        min_params=800,
        early_stop="none",
        sampler="random",
    )
    for record in outcome.records:
        assert (record.params or 0) >= 800 or record.state is not State.TRAINED
        if record.state is State.TOO_SMALL:
            assert record.reason == f"{record.params:,} parameters < 800"
    assert states(outcome.records)[State.TRAINED] == 2
    assert states(outcome.records)[State.TOO_SMALL]


def test_what_cannot_come_to_the_least_accuracy_is_stopped() -> None:
    """Nets of five wide convolutions at most come nowhere near 99 % in two epochs."""
    outcome = run(
        **{"trials": 9, "workers": 1, "space": tiny.write(60), "epochs": 2},
        **{"early_stop": "none", "min_accuracy": 99},
    )
    assert states(outcome.records)[State.TRAINED] == early_stopping.MIN_FINISHED
    stopped = [record for record in outcome.records if record.state is State.STOPPED]
    assert len(stopped) == 9 - early_stopping.MIN_FINISHED
    assert all("less than 99 %" in record.reason for record in stopped)


def test_a_search_starts_from_a_former_front_and_from_a_file() -> None:
    first = run("first", trials=3, workers=1, budget=1_200, epochs=1)
    front = pareto_front(first.records)
    again = search(
        "again",
        {"dataset": "digits", "epochs": 1, "device": "cpu", "budget": 1_200, "trials": len(front)},
        Silent(),
        start_from="first",
    )
    assert {r.hash for r in again.records} == {r.hash for r in front}
    assert all(record.sampled for record in again.records), "the sampler learns from them"
    # Another space cannot draw them, so the architectures themselves are trained.
    net = front[-1].architecture
    Path("net.json").write_text(json.dumps(net.to_json()))
    flags = {"dataset": "digits", "epochs": 1, "device": "cpu", "budget": 2_000, "trials": 2}
    flags["space"] = tiny.write()
    for _ in range(2):  # the second time it is there already
        other = search("other", flags, Silent(), start_from="net.json")
    assert other.records[0].hash == net.hash
    assert other.records[0].sampled == {}
    assert [r.hash for r in other.records].count(net.hash) == 1
    with pytest.raises(StudyError, match=r"--start-from none\.json cannot be read"):
        search("x", flags, Silent(), start_from="none.json")
    with pytest.raises(StudyError, match="there is no study at studies/nowhere"):
        search("x", flags, Silent(), start_from="nowhere")
    small = Architecture((1, 28, 28), (Conv(7, 3, stride=2), GlobalAvgPool(), Flatten()))
    Path("seven.json").write_text(json.dumps(small.to_json()))
    with pytest.raises(StudyError, match="gives 7: the task has images of 1 x 28 x 28 and 10"):
        search("x", flags, Silent(), start_from="seven.json")
    assert not Path("studies/x").exists()


def test_two_workers_train_exactly_the_trials_asked_for() -> None:
    follower = Silent()
    outcome = run(follower=follower, trials=8, workers=2, budget=800)
    assert outcome.reason == "complete"
    records = check_whole("s", 8)
    assert len({worker for worker, _ in follower.events}) == 2
    assert not follower.warnings
    for record in records:
        if record.state is State.TRAINED:
            assert record.params is not None
            assert record.params <= 800
            assert record.epochs == 1
        else:
            assert record.state in REJECTED
            assert record.reason
            assert record.epochs == 0
    study = studies.load(Folder(Path("studies/s")).location)
    assert study.metric_names == ["accuracy", "parameters"]
    for trial in study.trials:
        if trial.state is TrialState.COMPLETE:
            accuracy, params = trial.values
            assert (accuracy, params) == (
                records[trial.number].accuracy,
                records[trial.number].params,
            )
            assert all(value <= 0 for value in trial.constraints.values())
        else:
            assert trial.state is TrialState.PRUNED
            assert sum(value for value in trial.constraints.values() if value > 0) > 0


def test_a_search_goes_on_to_a_higher_total_and_stops_there() -> None:
    run(trials=1, workers=1, space=tiny.write())
    check_whole("s", 1)
    outcome = run(trials=3, workers=1)
    assert outcome.reason == "complete"
    numbers = [record.number for record in check_whole("s", 3)]
    again = run(trials=3)
    assert [record.number for record in again.records] == numbers
    with pytest.raises(StudyError, match="epochs 1 -> 2"):
        run(epochs=2)


def test_one_worker_and_one_seed_give_the_same_study() -> None:
    def figures(name: str, seed: int) -> list[object]:
        outcome = run(name, trials=3, workers=1, seed=seed, budget=600)
        return [(r.number, r.state, r.hash, r.accuracy) for r in outcome.records]

    first = figures("a", 1)
    assert figures("b", 1) == first
    assert figures("c", 2) != first


def test_a_small_space_is_exhausted_and_said_to_be() -> None:
    outcome = run(space=tiny.write(2), trials=5, workers=1, max_draws=1_000)
    assert outcome.reason == "the last 100 draws were duplicates: the space seems exhausted"
    records = check_whole("s", 2)
    assert states(records)[State.DUPLICATE] >= 100
    twins = [record.reason for record in records if record.state is State.DUPLICATE]
    assert all(reason.startswith("the same network as trial ") for reason in twins)


def test_draws_are_bounded() -> None:
    outcome = run(space=tiny.write(), trials=5, workers=2, budget=400, max_draws=3)
    assert len(outcome.records) == 3
    assert outcome.reason == "--max-draws 3 reached"


def test_a_candidate_that_fails_is_recorded_and_the_search_goes_on() -> None:
    Path("studies/s").mkdir(parents=True)
    Path("bad.py").write_text(
        "from nas.architecture import Architecture, Flatten, Linear\n"
        "def sample(trial, task):\n"
        "    depth = trial.suggest_int('depth', 1, 30)\n"
        "    layers = (Flatten(), *[Linear(10)] * depth)\n"
        "    return Architecture(task.input_shape, layers)\n"
    )
    Path("studies/s/study.toml").write_text(
        "[recipe]\nlr = 100.0\nlr_without_norm = 1.0\nwarmup = 0.0\n"
    )
    run(space="./bad.py", trials=2, workers=1, budget=20_000, max_draws=40, sampler="random")
    folder = folders.existing("s")
    records = trials.records(studies.load(folder.location))
    failed = [record for record in records if record.state is State.FAILED]
    assert failed
    for record in failed:
        assert record.reason == "the loss is not a finite number in epoch 1"
    assert states(records)[State.RUNNING] == 0


def test_a_space_that_breaks_in_the_middle_ends_the_search_in_one_line() -> None:
    text = tiny.SPACE.format(widest=200, pause=0).replace(
        "    layers", "    if width > 150: raise ValueError('too wide')\n    layers"
    )
    text += "\ndef smallest(task):\n    import optuna\n"
    text += "    return sample(optuna.trial.FixedTrial({'width': 1}), task)\n"
    # The probe draws the same twenty random widths every time; none of them is above 195.
    Path("tiny.py").write_text(text.replace("> 150", "> 195"))
    with pytest.raises(NasError, match="sample raised ValueError: too wide"):
        run(space="./tiny.py", trials=500, workers=1, sampler="random", max_draws=3_000, budget=300)
    folder = folders.existing("s")
    records = trials.records(studies.load(folder.location))
    assert states(records)[State.RUNNING] == 0


def test_a_search_needs_no_test_files_at_all() -> None:
    """The data set's test images are not there, and nothing asks for them."""
    write_noise(Path("data"))
    settings = {"epochs": 1, "device": "cpu", "trials": 1, "workers": 1, "space": tiny.write(2)}
    search("s", settings, Silent(), Path("data"))
    check_whole("s", 1)


def test_one_search_at_a_time() -> None:
    from filelock import FileLock

    run(trials=1, workers=1, space=tiny.write())
    with (
        FileLock("studies/s/.search.lock"),
        pytest.raises(StudyError, match="is being searched by another process"),
    ):
        run(trials=2)


COMMAND = [sys.executable, "-m", "nas", "search", "--study", "s", "--dataset", "digits"]
COMMAND += ["--device", "cpu", "--budget", "3000", "--epochs", "15", "--workers", "2"]
COMMAND += ["--early-stop", "none"]  # so that the totals are of nets with weights


def start(trials_: int) -> subprocess.Popen[str]:
    command = [*COMMAND, "--space", tiny.write(), "--trials", str(trials_)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )


def wait_until_training(process: subprocess.Popen[str]) -> None:
    """Until one candidate is trained and worker-1 has just begun another.

    Workers that began together end together: one that has been training for a while may be between
    two candidates by the time that a signal reaches it.
    """
    trained = "select count(*) from trials where state = 'COMPLETE'"
    training = """
        select number from trials
        join trial_user_attributes begun on begun.trial_id = trials.trial_id
        join trial_user_attributes worker on worker.trial_id = trials.trial_id
        where state = 'RUNNING' and begun.key = 'seed'
        and worker.key = 'worker' and worker.value_json = '"worker-1"'
    """
    known: set[tuple[int]] = set()
    end = time.monotonic() + 180
    while time.monotonic() < end:
        assert process.poll() is None, process.communicate()[0]
        if Path("studies/s/study.db").exists():
            with closing(sqlite3.connect("studies/s/study.db")) as database:
                try:
                    ((complete,),) = database.execute(trained)
                    running = set(database.execute(training))
                except sqlite3.OperationalError:  # its tables are not there yet
                    complete, running = 0, set()
            if complete and running - known:
                return
            known |= running
        time.sleep(0.02)
    pytest.fail("the search trained nothing in 180 s")


linux = pytest.mark.skipif(not PROC.is_dir(), reason="looks workers up in /proc")


@linux
@pytest.mark.extended
def test_a_search_killed_in_the_middle_goes_on_to_the_exact_total() -> None:
    process = start(6)
    wait_until_training(process)
    process.kill()
    process.communicate()
    for _ in range(100):  # the workers notice by themselves
        if not session(process):
            break
        time.sleep(0.1)
    assert session(process) == []
    folder = folders.existing("s")
    before = trials.records(studies.load(folder.location))
    cut = {r.hash for r in before if r.state is State.RUNNING and r.hash}
    assert cut
    trained = {r.number: r.accuracy for r in before if r.state is State.TRAINED}
    process = start(8)
    output, _ = process.communicate(timeout=240)
    assert process.returncode == 0, output
    records = check_whole("s", 8)
    after = {r.number: r.accuracy for r in records if r.state is State.TRAINED}
    assert trained.items() <= after.items()
    # What was being trained was tried again with the same architecture.
    assert cut <= {r.hash for r in records if r.state is State.TRAINED}
    assert {r.hash for r in records if r.state is State.INTERRUPTED and r.hash} == cut


@linux
def test_a_worker_that_dies_is_replaced_and_its_candidate_tried_again() -> None:
    process = start(6)
    wait_until_training(process)
    database = studies.load(Folder(Path("studies/s")).location)
    trained = {t.number for t in database.trials if t.state is TrialState.COMPLETE}
    victim = session(process)[-1]  # the youngest is a worker
    os.kill(victim, signal.SIGKILL)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    assert "died (signal SIGKILL); its candidate is tried again" in output
    records = check_whole("s", 6)
    assert trained <= {r.number for r in records if r.state is State.TRAINED}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_search_says_how_to_resume_and_leaves_nothing_running(number: int) -> None:
    process = start(500)
    wait_until_training(process)
    began = time.monotonic()
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # as a terminal does
    else:
        for _ in range(2):  # as `timeout` does, to it and to its group
            process.send_signal(number)
            time.sleep(0.01)
    output, _ = process.communicate(timeout=60)
    assert time.monotonic() - began < 30
    assert process.returncode == 130, output
    assert "Traceback" not in output
    assert "Stopped. To resume: nas search --study s" in output
    folder = folders.existing("s")
    records = trials.records(studies.load(folder.location))
    assert states(records)[State.RUNNING] == 0
    table = pd.read_csv(folder.path / "trials.csv")
    assert (table["state"] == "trained").sum() == states(records)[State.TRAINED] > 0


def test_a_broken_study_loses_nothing() -> None:
    run(trials=1, workers=1, space=tiny.write())
    database = Path("studies/s/study.db")
    database.write_bytes(b"garbage" * 1_000)
    for path in Path("studies/s").glob("study.db-*"):
        path.unlink()
    with pytest.raises(NasError, match="cannot be used as the study's database"):
        run(trials=2)
    assert database.read_bytes() == b"garbage" * 1_000


def test_the_record_of_a_trial_holds_its_json() -> None:
    run(trials=1, workers=1, space=tiny.write())
    study = studies.load(Folder(Path("studies/s")).location)
    (trial,) = (t for t in study.trials if t.state is TrialState.COMPLETE)
    assert Architecture.from_json(trial.system_attrs[trials.ARCHITECTURE]).params == trial.values[1]
    assert json.loads(trial.system_attrs[trials.ARCHITECTURE])["version"] == 1
