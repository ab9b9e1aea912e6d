"""Several machines on one study, and what may happen to them: real processes, real servers.

A machine is a directory of its own: what one sees of another is the storage and the artifacts.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ClassVar

import optuna
import pytest
import tiny
from optuna.trial import TrialState
from proc import PROC, session
from safetensors.torch import load_file
from servers import QUOTED, SECRET, Postgres, free_port

from nas.architecture.module import build
from nas.records import Record, State
from nas.search import backends, storage, trials
from nas.search.folder import Folder
from nas.search.pulse import GRACE

pytestmark = [
    pytest.mark.usefixtures("workplace"),
    pytest.mark.skipif(not PROC.is_dir(), reason="looks workers up in /proc"),
]

WIDEST = 150  # of the nets in the space
PAUSE = 2.0  # seconds a draw, in tests in which a machine has to join before all is trained
WHAT = ["--dataset", "digits", "--budget", "6000", "--space", "./tiny.py", "--early-stop", "none"]


@pytest.fixture(autouse=True)
def no_machine_outlives_its_test() -> Iterator[None]:
    yield
    for machine in Machine.all:
        machine.kill()
    Machine.all.clear()


class Machine:
    """A directory with a process or two in it."""

    all: ClassVar[list["Machine"]] = []

    def __init__(self, name: str, url: str | None = None, pause: float = 0) -> None:
        self.path = Path(name).resolve()
        self.path.mkdir()
        tiny.write(WIDEST, self.path, pause)
        self._url = url
        self._study: optuna.Study | None = None
        self.processes: list[subprocess.Popen[str]] = []
        self.all.append(self)

    @property
    def folder(self) -> Folder:
        return Folder(self.path / "studies" / "s", self._url)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start `nas` with these arguments; the URL of the storage is in its environment."""
        place = {backends.VARIABLE: self._url} if self._url else {}
        process = subprocess.Popen(
            [sys.executable, "-m", "nas", *words],
            **{"cwd": self.path, "env": {**os.environ, **place}, "text": True},
            **{"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "start_new_session": True},
        )
        self.processes.append(process)
        return process

    def search(self, count: int, *words: str) -> subprocess.Popen[str]:
        size = ["--trials", str(count), "--device", "cpu"]
        return self.start("search", "--study", "s", *WHAT, *size, *words)

    def join(self, *words: str) -> subprocess.Popen[str]:
        return self.start("worker", "s", "--space", "./tiny.py", "--device", "cpu", *words)

    def records(self) -> list[Record]:
        self._study = self._study or storage.find(self.folder)
        return trials.records(self._study) if self._study else []

    def kill(self) -> None:
        """All of its processes at once, as when the power goes."""
        for process in self.processes:
            for pid in session(process):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.wait()
            assert process.stdout is not None
            process.stdout.close()

    def everything_written(self) -> str:
        """All that is in its files, but not the database's own."""
        files = (path for path in self.path.rglob("*") if path.is_file())
        return "\n".join(path.read_bytes().decode("latin-1") for path in files)


def until(reached: Callable[[], object], what: str, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if reached():
            return
        time.sleep(0.2)
    pytest.fail(f"not in {seconds} s: {what}")


def some(machine: Machine, state: State, least: int = 1, host: str = "") -> Callable[[], bool]:
    """Whether so many records are in `state`, of workers whose names begin with `host`."""

    def found() -> bool:
        of_it = [r for r in machine.records() if r.state is state and r.hash]
        return sum(r.worker.startswith(host) for r in of_it) >= least

    return found


def ends(process: subprocess.Popen[str], status: int = 0, seconds: float = 240) -> str:
    output, _ = process.communicate(timeout=seconds)
    assert process.returncode == status, f"{process.args}\n{output}"
    return output


def check_whole(machine: Machine, wanted: int) -> list[Record]:
    """Exact totals, nothing running, no net twice, and all weights there for `machine`."""
    study = storage.load(machine.folder)
    records = trials.records(study)
    states = Counter(record.state for record in records)
    assert states[State.TRAINED] == wanted, states
    assert states[State.RUNNING] == 0
    assert not [t for t in study.trials if t.state is TrialState.RUNNING]
    trained = [record for record in records if record.state is State.TRAINED]
    assert len({record.hash for record in trained}) == wanted
    tried_again = {r.hash for r in records if r.state is State.INTERRUPTED and r.hash}
    waiting = {t.user_attrs.get("retry_of") for t in study.trials if t.state is TrialState.WAITING}
    queued = {r.hash for r in records if r.number in waiting}
    assert tried_again <= {record.hash for record in trained} | queued
    from nas.results.opened import read

    found = read(machine.folder)
    for record in trained:
        build(record.architecture).load_state_dict(load_file(found.weights(record)))
        assert len(record.curve) == found.config.recipe.epochs
    return records


def test_machines_share_a_study_and_its_total_and_no_password_is_written(
    postgres: Postgres,
) -> None:
    first, second = (Machine(name, postgres.url, PAUSE) for name in ("first", "second"))
    searching = first.search(12, "--workers", "1", "--epochs", "4")
    until(some(first, State.RUNNING), "the search trains")
    host = socket.gethostname()
    joined = second.join("--workers", "2")
    until(some(first, State.TRAINED, 2, host), "the worker has trained")
    said = ends(searching) + ends(joined)
    records = check_whole(first, 12)
    assert len({r.worker for r in records if r.state is State.TRAINED}) == 3
    assert "trained 12/12" in said
    # Another machine reads what it needs; here the weights that the other one trained.
    theirs = next(r for r in records if r.worker.startswith(host))
    for command in (["export", "s", "--trial", str(theirs.number), "--format", "python"],
                    ["front", "s"], ["status", "s"], ["report", "s"]):  # fmt: skip
        said += ends(first.start(*command))
    assert (first.folder.path / "export").is_dir()
    for machine in (first, second):
        assert 'storage = "postgresql://nas@127.0.0.1' in machine.folder.settings.read_text()
    for text in (said, first.everything_written(), second.everything_written()):
        assert SECRET not in text
        assert QUOTED not in text
    # A third has another space, or cannot reach the weights, or asks for what is not there.
    third = Machine("third", postgres.url)
    tiny.write(WIDEST + 1, third.path, PAUSE)
    assert "is not the file that study s was made with" in ends(third.join(), 2)
    tiny.write(WIDEST, third.path, PAUSE)
    assert "which this machine does not reach" in ends(third.join("--artifacts", "./no"), 2)
    assert "holds no study called t" in ends(third.start("worker", "t"), 2)
    done = ends(third.join())
    assert "The study has its trials." in done
    more = ends(third.search(13, "--workers", "1", "--epochs", "4"))
    assert "trained 13/13" in more, "a search on another machine goes on with the study"
    check_whole(third, 13)
    changed = ends(third.search(13, "--epochs", "2"), 2)
    assert "study s exists with other settings: epochs 4 -> 2" in changed


def test_what_a_lost_machine_was_training_is_trained_by_another(postgres: Postgres) -> None:
    """Its silence tells: nothing else of it can be seen from here."""
    first, second = Machine("first", postgres.url), Machine("second", postgres.url)
    searching = first.search(1, "--workers", "1", "--epochs", "15", "--max-draws", "100")
    ends(searching)
    before = {r.number: r.accuracy for r in first.records() if r.state is State.TRAINED}
    leaving = second.search(4, "--workers", "2", "--epochs", "15", "--max-draws", "100")
    until(some(second, State.RUNNING, 2), "the second machine trains")
    second.kill()
    assert leaving.returncode
    cut = {r.hash for r in second.records() if r.state is State.RUNNING}
    assert cut
    began = time.monotonic()
    searching = first.search(4, "--workers", "2", "--epochs", "15", "--max-draws", "100")
    ends(searching)
    assert time.monotonic() - began > GRACE - 5, "nobody is given up before"
    records = check_whole(first, 4)
    trained = {r.number: r.accuracy for r in records if r.state is State.TRAINED}
    assert before.items() <= trained.items()
    assert cut <= {r.hash for r in records if r.state is State.TRAINED}


def test_a_database_that_stops_for_20_s_is_waited_for(postgres: Postgres) -> None:
    first, second = (Machine(name, postgres.url, PAUSE) for name in ("first", "second"))
    searching = first.search(10, "--workers", "1", "--epochs", "5")
    until(some(first, State.TRAINED), "the search has trained")
    joined = second.join("--workers", "1")
    until(some(first, State.RUNNING, 1, socket.gethostname()), "the worker trains")
    before = {r.number: r.accuracy for r in first.records() if r.state is State.TRAINED}
    postgres.stop()
    time.sleep(20)
    assert searching.poll() is None, searching.communicate()[0]
    assert joined.poll() is None, joined.communicate()[0]
    postgres.start()
    said = ends(searching)
    ends(joined)
    assert "the study cannot be written or read, waiting: " in said
    assert SECRET not in said
    records = check_whole(first, 10)
    after = {r.number: r.accuracy for r in records if r.state is State.TRAINED}
    assert before.items() <= after.items()
    assert not [r for r in records if r.state is State.INTERRUPTED], "nothing was lost"


class Wire:
    """A line to a server that can be cut: what goes to its port is passed on, or nothing is."""

    def __init__(self, port: int) -> None:
        self.port = free_port()
        self._to = port
        self._up = threading.Event()
        self._up.set()
        self._open: list[socket.socket] = []
        self._server = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        self._up.clear()
        for line in self._open:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        self._up.set()

    def close(self) -> None:
        self.cut()
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                ours, _ = self._server.accept()
            except OSError:
                return
            if not self._up.is_set():
                ours.close()
                continue
            theirs = socket.create_connection(("127.0.0.1", self._to))
            self._open += [ours, theirs]
            for one, other in ((ours, theirs), (theirs, ours)):
                threading.Thread(target=self._pass, args=(one, other), daemon=True).start()

    def _pass(self, one: socket.socket, other: socket.socket) -> None:
        try:
            while data := one.recv(65_536):
                other.sendall(data)
        except OSError:
            pass
        finally:
            for line in (one, other):
                line.close()


def test_a_network_that_is_cut_and_comes_back_loses_nothing(postgres: Postgres) -> None:
    wire = Wire(postgres.port)
    url = postgres.url.replace(str(postgres.port), str(wire.port))
    first, second = Machine("first", postgres.url, PAUSE), Machine("second", url, PAUSE)
    searching = first.search(10, "--workers", "1", "--epochs", "5")
    until(some(first, State.TRAINED), "the search has trained")
    joined = second.join("--workers", "1")
    until(some(first, State.RUNNING, 1, socket.gethostname()), "the worker trains")
    wire.cut()
    time.sleep(10)
    assert joined.poll() is None, joined.communicate()[0]
    wire.mend()
    said = ends(joined)
    ends(searching)
    wire.close()
    assert "the study cannot be written or read, waiting: " in said
    records = check_whole(first, 10)
    assert [r for r in records if r.worker.startswith(socket.gethostname())]


def test_two_searches_begun_at_once_in_a_folder() -> None:
    """One of them searches, here until the other is gone; that one says why."""
    machine = Machine("one", pause=PAUSE)
    both = [machine.search(1_000, "--workers", "1", "--epochs", "2") for _ in range(2)]
    until(lambda: any(process.poll() is not None for process in both), "one of them is gone")
    loser, winner = sorted(both, key=lambda process: process.poll() is None)
    assert "is being searched by another process" in ends(loser, 2)
    until(some(machine, State.TRAINED, 2), "the other trains")
    winner.send_signal(signal.SIGINT)
    ends(winner, 130)
    trained = sum(record.state is State.TRAINED for record in machine.records())
    ends(machine.search(trained + 1, "--workers", "1", "--epochs", "2"))
    check_whole(machine, trained + 1)


def test_two_searches_begun_at_once_on_two_machines(postgres: Postgres) -> None:
    """They want the same, so both search."""
    machines = [Machine(name, postgres.url) for name in ("one", "other")]
    both = [machine.search(4, "--workers", "1", "--epochs", "2") for machine in machines]
    for process in both:
        ends(process)
    check_whole(machines[0], 4)


@pytest.mark.parametrize("where", ["sqlite", "postgres"])
def test_two_searches_begun_at_once_with_other_settings(
    where: str, request: pytest.FixtureRequest
) -> None:
    """One of them is the study, and the other is told so."""
    url = request.getfixturevalue("postgres").url if where == "postgres" else None
    one = Machine("one", url)
    other = Machine("other", url) if url else one
    both = [
        machine.search(2, "--workers", "1", "--epochs", epochs)
        for machine, epochs in ((one, "2"), (other, "3"))
    ]
    said = [process.communicate(timeout=240)[0] for process in both]
    assert sorted(process.returncode or 0 for process in both) == [0, 2], said
    (loser,) = [text for text, process in zip(said, both, strict=True) if process.returncode]
    assert "other settings: epochs" in loser or "being searched" in loser
    winner = other if both[0].returncode else one
    found = [record for record in check_whole(winner, 2) if record.state is State.TRAINED]
    assert len({record.epochs for record in found}) == 1


def test_a_worker_that_hangs_is_replaced() -> None:
    machine = Machine("one")
    searching = machine.search(6, "--workers", "2", "--epochs", "8")
    until(some(machine, State.RUNNING, 2), "two workers train")
    victim = session(searching)[-1]  # the youngest
    os.kill(victim, signal.SIGSTOP)
    said = ends(searching)
    assert f"(killed after {GRACE} s without a sign of life); its candidate is tried again" in said
    check_whole(machine, 6)
    assert not Path(f"/proc/{victim}").exists()


# The first worker that draws takes SQLite's lock and stops.
HANGS = """
import os, signal, sqlite3
import optuna

def hang():
    try:
        os.close(os.open("hung", os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return
    database = sqlite3.connect("studies/s/study.db", isolation_level=None)
    database.execute("begin immediate")
    os.kill(os.getpid(), signal.SIGSTOP)

def sample(trial, task):
    if isinstance(trial, optuna.Trial) and trial.study.study_name == "s":
        hang()
    return draw(trial, task)
"""


def test_a_worker_that_hangs_with_the_database_locked_is_replaced() -> None:
    """Nobody can write until it is killed, neither the other worker nor who supervises them."""
    machine = Machine("one")
    space = tiny.SPACE.format(widest=WIDEST, pause=0).replace("def sample", "def draw")
    (machine.path / "tiny.py").write_text(space + HANGS)
    said = ends(machine.search(4, "--workers", "2", "--epochs", "2"))
    assert f"killed after {GRACE} s without a sign of life" in said
    check_whole(machine, 4)


def test_a_search_that_sleeps_goes_on() -> None:
    """As after Ctrl-Z and `fg`, or a night with the lid closed: nobody is taken for dead."""
    machine = Machine("one")
    searching = machine.search(4, "--workers", "2", "--epochs", "8")
    until(some(machine, State.RUNNING, 2), "two workers train")
    os.killpg(searching.pid, signal.SIGSTOP)
    time.sleep(GRACE + 5)
    os.killpg(searching.pid, signal.SIGCONT)
    said = ends(searching)
    assert "silent" not in said
    assert not [r for r in check_whole(machine, 4) if r.state is State.INTERRUPTED]


def test_a_folder_copied_while_its_search_runs_is_a_study_of_its_own() -> None:
    machine = Machine("one")
    searching = machine.search(6, "--workers", "2", "--epochs", "8")
    until(some(machine, State.TRAINED, 2), "two are trained")
    until(some(machine, State.RUNNING), "others are being trained")
    copy = machine.path / "studies" / "copy"
    shutil.copytree(machine.folder.path, copy)
    there = [r for r in trials.records(storage.load(Folder(copy))) if r.state is State.TRAINED]
    assert there
    ends(machine.start("search", "--study", "copy", "--trials", "6", "--workers", "1"))
    ends(searching)
    check_whole(machine, 6)
    machine.folder.path.rename(machine.path / "studies" / "first")
    copy.rename(machine.folder.path)
    records = check_whole(machine, 6)
    assert {r.number for r in there} <= {r.number for r in records if r.state is State.TRAINED}


def test_workers_join_and_leave_a_study_in_a_folder() -> None:
    """On one machine SQLite does, too."""
    machine = Machine("one", pause=PAUSE)
    searching = machine.search(14, "--workers", "1", "--epochs", "5")
    until(some(machine, State.RUNNING), "the search trains")
    joined = machine.join("--workers", "1")
    until(some(machine, State.RUNNING, 1, socket.gethostname()), "the worker trains")
    joined.send_signal(signal.SIGINT)
    said = ends(joined, 130)
    assert "Left. To join again: nas worker s" in said
    killed = machine.join("--workers", "1")
    until(some(machine, State.RUNNING, 1, socket.gethostname()), "the worker trains")
    for pid in session(killed):
        os.kill(pid, signal.SIGKILL)
    ends(searching)
    check_whole(machine, 14)


@contextmanager
def small_disk(place: Path, megabytes: int) -> Iterator[None]:
    """A file system of that size at `place`; skips where one may not be mounted."""
    place.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(place)]
    if os.getuid() or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("needs the right to mount a file system")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_a_full_disk_is_waited_for() -> None:
    machine = Machine("one")
    with small_disk(machine.folder.path, 8):
        searching = machine.search(6, "--workers", "2", "--epochs", "4")
        until(some(machine, State.TRAINED), "one is trained")
        ballast = machine.folder.path / "ballast"
        with suppress(OSError):  # a worker may take the last of it at the same moment
            ballast.write_bytes(bytes(shutil.disk_usage(machine.folder.path).free))
        assert shutil.disk_usage(machine.folder.path).free < 10_000
        time.sleep(10)
        assert searching.poll() is None, searching.communicate()[0]
        ballast.unlink()
        said = ends(searching)
        assert "the study cannot be written or read, waiting: " in said
        check_whole(machine, 6)
        assert not list(machine.folder.path.rglob("*.part"))
