"""Machines in tests: real processes, each machine in a directory of its own.

What one machine sees of another is the storage and the artifacts.
"""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

import optuna
import pytest
import tiny
from optuna.trial import TrialState
from proc import session
from safetensors.torch import load_file

from nas.architecture.module import build
from nas.records import Record, State, trials
from nas.storage import backends, studies
from nas.study.folder import Folder

WIDEST = 150  # of the nets in the space
PAUSE = 2.0  # seconds a draw, in tests in which a machine has to join before all is trained
WHAT = ["--dataset", "digits", "--budget", "6000", "--space", "./tiny.py", "--early-stop", "none"]


class Machine:
    """A directory with a process or two in it."""

    all: ClassVar[list["Machine"]] = []

    def __init__(
        self, name: str, url: str | None = None, pause: float = 0, grace: int | None = None
    ) -> None:
        """`grace` is the time in seconds after which a silent worker counts as dead."""
        self.path = Path(name).resolve()
        self.path.mkdir()
        tiny.write(WIDEST, self.path, pause)
        self._url = url
        self._environment = {"NAS_GRACE_SECONDS": str(grace)} if grace else {}
        self._environment |= {backends.VARIABLE: url} if url else {}
        self._study: optuna.Study | None = None
        self.processes: list[subprocess.Popen[str]] = []
        self.all.append(self)

    @property
    def folder(self) -> Folder:
        return Folder(self.path / "studies" / "s", self._url)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start `nas` with these arguments; the URL of the storage is in its environment."""
        process = subprocess.Popen(
            [sys.executable, "-m", "nas", *words],
            **{"cwd": self.path, "env": {**os.environ, **self._environment}, "text": True},
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
        self._study = self._study or studies.find(self.folder.location)
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
    study = studies.load(machine.folder.location)
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
    from nas.results.view import read

    found = read(machine.folder)
    for record in trained:
        build(record.architecture).load_state_dict(load_file(found.weights(record)))
        assert len(record.curve) == found.config.recipe.epochs
    return records
