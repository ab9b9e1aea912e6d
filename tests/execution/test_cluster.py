"""Searches on a real Ray cluster, of processes on this machine."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest
import tiny
from optuna.trial import TrialState
from proc import PROC, parent, started_with
from servers import Postgres, free_port

from nas.records import Record, State, trials
from nas.storage import backends, studies
from nas.study.folder import Folder

pytestmark = [
    pytest.mark.extended,
    pytest.mark.usefixtures("workplace"),
    pytest.mark.skipif(not PROC.is_dir(), reason="looks processes up in /proc"),
]

RAY = Path(sys.executable).with_name("ray")
SEARCH = ["search", "--study", "s", "--dataset", "digits", "--budget", "6000", "--device", "cpu"]
SEARCH += ["--space", "./tiny.py", "--early-stop", "none"]
CLUSTER = "NAS_TEST_CLUSTER"  # its address, in the environment of all its processes
PAUSE = 2.0  # seconds a draw: a node comes before all is trained


def start(*words: str, url: str | None = None, pause: float = 0) -> subprocess.Popen[str]:
    tiny.write(pause=pause)
    place = {backends.VARIABLE: url} if url else {}
    process = subprocess.Popen(
        [sys.executable, "-m", "nas", *words],
        **{"env": {**os.environ, **place}, "text": True, "start_new_session": True},
        **{"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT},
    )
    processes.append(process)
    return process


class Watched:
    """The study, as it is read over and over."""

    def __init__(self, url: str | None = None) -> None:
        self._url = url
        self._study: optuna.Study | None = None

    def __call__(self) -> list[Record]:
        self._study = self._study or studies.find(Folder(Path("studies/s"), self._url).location)
        return trials.records(self._study) if self._study else []

    def has(self, state: State) -> bool:
        """Whether a candidate is in this state."""
        return any(record.state is state and record.hash for record in self())


def check_whole(wanted: int, url: str | None = None) -> None:
    study = studies.load(Folder(Path("studies/s"), url).location)
    assert Counter(r.state for r in trials.records(study))[State.TRAINED] == wanted
    assert not [t for t in study.trials if t.state is TrialState.RUNNING]


def workers(cluster: str) -> list[int]:
    """The worker processes of this cluster's tasks: what their fork servers have forked."""
    found = started_with(CLUSTER, cluster, "nas.execution.preload")
    return [pid for pid in found if parent(pid) in found]


processes: list[subprocess.Popen[str]] = []


@pytest.fixture(autouse=True)
def workers_of_usual_priority(monkeypatch: pytest.MonkeyPatch) -> None:
    """By default Ray's have a niceness of 15: a thirtieth of a core that others want too."""
    monkeypatch.setenv("RAY_worker_niceness", "0")


@pytest.fixture(autouse=True)
def no_search_outlives_its_test() -> Iterator[None]:
    yield
    for process in processes:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
    processes.clear()


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A cluster of one node with one core; gives its address."""
    address = f"127.0.0.1:{free_port()}"
    place = tempfile.mkdtemp(prefix="ray-")  # sockets are in there: a short path
    monkeypatch.setenv(CLUSTER, address)
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")  # it is this machine's own, and soon gone
    ray = [str(RAY), "start", "--disable-usage-stats", "--num-cpus=1", "--include-dashboard=false"]
    subprocess.run(
        [*ray, "--head", f"--port={address.rpartition(':')[2]}", f"--temp-dir={place}"],
        **{"check": True, "capture_output": True},
    )
    yield address
    subprocess.run([str(RAY), "stop", "--force"], check=True, capture_output=True)
    shutil.rmtree(place, ignore_errors=True)


def add_node(address: str) -> None:
    ray = [str(RAY), "start", "--disable-usage-stats", "--num-cpus=1", f"--address={address}"]
    subprocess.run(ray, check=True, capture_output=True)


def test_a_search_on_this_machine_alone_trains_exactly_what_is_wanted() -> None:
    process = start(*SEARCH, "--ray", "local", "--trials", "4", "--epochs", "1")
    said, _ = process.communicate(timeout=240)
    assert process.returncode == 0, said
    assert "trained 4/4" in said
    check_whole(4)


def test_a_search_scales_with_the_cluster_and_survives_dead_workers(
    cluster: str, postgres: Postgres
) -> None:
    url = postgres.url
    records = Watched(url)
    words = [*SEARCH, "--ray", cluster, "--trials", "11", "--epochs", "4", "--workers", "3"]
    process = start(*words, url=url, pause=PAUSE)
    until(lambda: records.has(State.TRAINED), process)
    add_node(cluster)
    hosts = lambda: {r.worker for r in records() if r.hash}  # noqa: E731
    until(lambda: len(hosts()) >= 2, process)

    def halted_in_training() -> bool:
        for pid in workers(cluster):
            os.kill(pid, signal.SIGSTOP)
        if records.has(State.RUNNING):
            return True
        for pid in workers(cluster):
            os.kill(pid, signal.SIGCONT)
        return False

    until(halted_in_training, process)
    for pid in workers(cluster):
        os.kill(pid, signal.SIGKILL)
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 0, said
    check_whole(11, url)
    interrupted = {r.hash for r in records() if r.state is State.INTERRUPTED and r.hash}
    trained = {r.hash for r in records() if r.state is State.TRAINED}
    assert interrupted
    assert interrupted <= trained


def test_a_search_that_is_stopped_gives_back_and_goes_on(cluster: str) -> None:
    records = Watched()
    process = start(*SEARCH, "--ray", cluster, "--trials", "4", "--epochs", "10")
    until(lambda: records.has(State.RUNNING), process)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 130, said
    assert not [r for r in records() if r.state is State.RUNNING]
    cut = {r.hash for r in records() if r.state is State.INTERRUPTED}
    process = start(*SEARCH, "--ray", cluster, "--trials", "4", "--epochs", "10")
    said, _ = process.communicate(timeout=240)
    assert process.returncode == 0, said
    check_whole(4)
    assert cut <= {r.hash for r in records() if r.state is State.TRAINED}


def test_gpus_that_the_cluster_has_not_yet_are_waited_for_and_that_is_said() -> None:
    words = ["cuda" if word == "cpu" else word for word in SEARCH]
    process = start(*words, "--ray", "local", "--trials", "1", "--epochs", "1")
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if "the cluster has no GPU" in line:
            break
    else:
        pytest.fail(said)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 130


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nonsense", "x:y", "local:99999999"])
def test_a_cluster_that_is_not_there_is_one_line(address: str) -> None:
    process = start(*SEARCH, "--ray", address, "--trials", "1")
    said, _ = process.communicate(timeout=240)
    assert process.returncode == 2, said
    assert f"nas: --ray {address}: there is no cluster" in said
    assert said.count("\n") == 1


def until(reached: object, process: subprocess.Popen[str], seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if callable(reached) and reached():
            return
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.3)
    os.killpg(process.pid, signal.SIGKILL)
    pytest.fail(f"not in {seconds} s:\n{process.communicate()[0]}")
