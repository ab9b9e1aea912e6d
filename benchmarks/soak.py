"""Half an hour of a study on three machines while something is killed every 20 seconds.

    python benchmarks/soak.py [--minutes 30] [--every 20] [--seed 0]

A PostgreSQL of its own, a search and two `nas worker`, each in a directory of its own, with two
workers each, which train tiny nets on the digits for real. Every 20 s a worker process, drawn at
random, is killed with SIGKILL; every sixth time it is a whole machine, which comes back at once.
The total is raised as it is reached. In the end the killing stops, the study is finished, and
everything is checked: the exact total, no trial RUNNING, no architecture trained twice, every
finished candidate that was ever seen still there with its accuracy, its weights loadable, and
every candidate that was cut off trained or given up after three attempts. Writes soak.csv.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import optuna
import pandas as pd
from optuna.trial import TrialState
from safetensors.torch import load_file

from nas.architecture.module import build
from nas.records import COUNTED, Record, State, trials
from nas.results.view import read
from nas.storage import studies
from nas.study.folder import Folder

SPACE = """
from nas.architecture import Architecture, BatchNorm, Conv, Flatten, GlobalAvgPool, ReLU

def sample(trial, task):
    widths = [trial.suggest_int(f"width{i}", 1, 60) for i in range(2)]
    layers = (Conv(widths[0], 5, stride=4), BatchNorm(), ReLU(), Conv(widths[1], 3), ReLU(),
              Conv(task.classes, 1), GlobalAvgPool(), Flatten())
    return Architecture(task.input_shape, layers)
"""
SEARCH = [
    "--dataset",
    "digits",
    "--budget",
    "40000",
    "--space",
    "./space.py",
    "--sampler",
    "random",
]
STEP = 60  # trials that the total is raised by


class Machine:
    """A directory with a search or a worker in it, which is started again when it has ended."""

    def __init__(self, place: Path, url: str, searches: bool) -> None:
        self.path = place
        self.searches = searches
        self._environment = {**os.environ, "NAS_STORAGE": url}
        self._process: subprocess.Popen[bytes] | None = None
        place.mkdir()
        (place / "space.py").write_text(SPACE)

    def ensure(self, total: int) -> None:
        """Start it, if it does not run."""
        if self._process is None or self._process.poll() is not None:
            words = ["worker", "s", "--space", "./space.py"]
            if self.searches:
                words = ["search", "--study", "s", *SEARCH, "--trials", str(total)]
            with (self.path / "log").open("ab") as log:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "nas", *words, "--device", "cpu", "--workers", "2"],
                    cwd=self.path,
                    env=self._environment,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )

    def processes(self) -> list[int]:
        """All of its processes, the oldest first: its own, the fork server's, the workers'."""
        assert self._process is not None
        found = []
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdecimal() and os.getsid(int(entry.name)) == self._process.pid:
                    found.append(int(entry.name))
            except OSError:
                continue
        return sorted(found)

    def kill(self, whole: bool, rng: random.Random) -> str:
        """Kill one of its workers, or all that runs on it; says what it was."""
        there = self.processes()
        victims = there if whole else [rng.choice(there[-2:])] if len(there) > 3 else []
        for pid in victims:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        return "machine" if whole else "worker" if victims else "nothing"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--every", type=float, default=20, help="seconds")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
    from servers import Postgres  # type: ignore[import-not-found]

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with tempfile.TemporaryDirectory() as text:
        scratch = Path(text)
        scratch.chmod(0o755)
        server = Postgres(scratch / "postgres")
        server.start()
        server.make_database()
        try:
            row = soak(scratch, server.url, options.minutes, options.every, options.seed)
        finally:
            server.stop()
    pd.DataFrame([row]).to_csv(Path(__file__).with_suffix(".csv"), index=False)
    print(row)


def soak(scratch: Path, url: str, minutes: float, every: float, seed: int) -> dict[str, object]:
    """Run it, and check what is left; returns the figures."""
    rng = random.Random(seed)
    machines = [
        Machine(scratch / name, url, name == "first") for name in ("first", "second", "third")
    ]
    first = Folder(machines[0].path / "studies" / "s", url)
    total, kills, seen = STEP, Counter[str](), dict[int, float | None]()
    machines[0].ensure(total)
    while studies.find(first.location) is None or not records(first):
        time.sleep(1)
    study = studies.load(first.location)
    began = killed = time.monotonic()
    while True:
        now = time.monotonic()
        over = now - began > 60 * minutes
        counted = [r for r in trials.records(study) if r.state in COUNTED]
        done = {record.number: record.accuracy for record in counted}
        assert seen.items() <= done.items(), "a finished candidate is lost"
        seen = done
        if over and len(done) >= total:
            break
        if not over and len(done) > total - 10:
            total += STEP
            # A search that runs keeps its total: it is ended, and the same command raises it.
            kills["machine"] += machines[0].kill(whole=True, rng=rng) == "machine"
            time.sleep(1)
        for machine in machines:
            machine.ensure(total)
        if not over and now - killed > every:
            killed = now
            whole = sum(kills.values()) % 6 == 5
            kills[rng.choice(machines).kill(whole, rng)] += 1
            print(f"{(now - began) / 60:.1f} min: {len(done)} trained, {dict(kills)}", flush=True)
        time.sleep(1)
    for machine in machines:
        machine.ensure(total)
    wait_for_the_end(machines)
    return checked(
        first, total, {"minutes": minutes, **{f"{k} kills": v for k, v in kills.items()}}
    )


def records(folder: Folder) -> list[Record]:
    return trials.records(studies.load(folder.location))


def wait_for_the_end(machines: list[Machine]) -> None:
    """Until every machine has said that the study is complete."""
    for machine in machines:
        assert machine._process is not None
        status = machine._process.wait(300)
        assert status == 0, (machine.path / "log").read_text()[-2_000:]


def checked(folder: Folder, total: int, figures: dict[str, object]) -> dict[str, object]:
    """The figures of a study that is whole; fails if it is not."""
    found = read(folder)
    states = Counter(record.state for record in found.records)
    everything = found.study.get_trials(deepcopy=False)
    stopped = states[State.STOPPED]
    assert states[State.TRAINED] + stopped == total, states
    assert not [trial for trial in everything if trial.state is TrialState.RUNNING]
    finished = [record for record in found.records if record.state in COUNTED]
    hashes = {record.hash for record in finished}
    assert len(hashes) == total, "a network was trained twice"
    for record in finished:
        if record.state is State.TRAINED:
            build(record.architecture).load_state_dict(load_file(found.weights(record)))
    cut = {r.hash for r in found.records if r.state is State.INTERRUPTED and r.hash}
    given_up = {r.hash for r in found.records if r.state is State.FAILED}
    waiting = {t.user_attrs["retry_of"] for t in everything
               if t.state is TrialState.WAITING and "retry_of" in t.user_attrs}  # fmt: skip
    queued = {r.hash for r in found.records if r.number in waiting}
    assert cut <= hashes | given_up | queued, "a candidate that was cut off is forgotten"
    return {
        **figures,
        "trials": total,
        "stopped early": stopped,
        "interrupted": states[State.INTERRUPTED],
        "networks cut off": len(cut),
        "of them trained": len(cut & hashes),
        "given up": len(given_up),
        "still queued": len(cut & queued - hashes),
        "withdrawn": sum(trials.is_withdrawn(trial) for trial in everything),
    }


if __name__ == "__main__":
    main()
