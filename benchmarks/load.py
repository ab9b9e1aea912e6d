"""What the storage costs with many workers: trainings are slept through, all else is real.

    python benchmarks/load.py                            # the table of docs/scale.md: load.csv
    python benchmarks/load.py --storage URL --workers 32 --trials 64   # one row, for any storage

Each worker is a process with the real sampler, gate, ledger, early stopping, records and files; a
training sleeps 15 times `--epoch` seconds. The default, 0.5 s, is that of a small net on a CPU core
or of several that share a GPU. "lost" is the share of the workers' time that went into waiting for
the storage, in so many calls a trial; "idle" the share that went into anything but training, the
start of processes left out. The table makes its own PostgreSQL, as the tests do.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from queue import Empty
from typing import Any

import optuna
import pandas as pd
import torch

from nas.data import dataset
from nas.data.images import load_split
from nas.execution import processes
from nas.execution.liveness import Heartbeat, owner_lock
from nas.execution.signals import StopSignal
from nas.execution.worker import Work, Worker
from nas.records import State, trials
from nas.sampling.samplers import sampler
from nas.spaces import load
from nas.storage import retry, studies
from nas.storage.retry import RetryingStorage
from nas.study import attributes, setup
from nas.study.config import StudyConfig, from_settings
from nas.study.folder import Folder
from nas.training import Epoch
from nas.training import fit as training
from nas.training.arithmetic import Arithmetic
from nas.training.fit import Fit
from nas.training.machine import Machine
from nas.training.seeds import seed_of

WORKERS = (1, 4, 16, 32)
PLAIN = Machine("cpu", "cpu", 0, Arithmetic("float32"))


def sleeper(seconds: float) -> Any:
    """A `fit` that sleeps, and counts how long."""

    def fit(net: Any, _: Any, recipe: Any, seed: int, on_epoch: Any, **__: Any) -> Fit:
        curve: list[Epoch] = []
        torch.manual_seed(seed)
        end = 99 - 2_000 / (net.params + 40) + 0.3 * torch.randn(()).item()
        for number in range(1, recipe.epochs + 1):
            began = time.perf_counter()
            time.sleep(seconds)
            fit.slept += time.perf_counter() - began  # type: ignore[attr-defined]
            accuracy = end - 6 / number**1.5
            curve.append(Epoch(number, 0.1, 0.1, accuracy, 0.01, seconds))
            if on_epoch(curve[-1]) is False:
                break
        weights = {"all": torch.zeros(net.params)}
        return Fit(tuple(curve), weights)

    fit.slept = 0.0  # type: ignore[attr-defined]
    return fit


def light_worker(
    work: Work, index: int, seconds: float, ready: Barrier, results: "Queue[tuple[float, ...]]"
) -> None:
    """The body of a process: a worker whose trainings sleep."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    torch.set_num_threads(1)
    fit = sleeper(seconds)
    training.fit = fit
    waited, depth, calls = 0.0, 0, 0
    plainly = RetryingStorage.retry

    def timed(self: RetryingStorage, call: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal waited, depth, calls
        began, depth, calls = time.perf_counter(), depth + 1, calls + (depth == 0)
        try:
            return plainly(self, call, *args, **kwargs)
        finally:
            depth -= 1
            if not depth:
                waited += time.perf_counter() - began

    retry.RetryingStorage.retry = timed  # type: ignore[method-assign]
    config, folder = work.config, work.folder
    data = load_split(config.data)
    study = studies.with_retries(studies.load(folder.location), print)
    space = load(config.space)
    study.sampler = sampler(config.sampler, seed_of(index, 0), space, config.task)
    name = f"worker-{index}"
    worker = Worker(
        work, name, "none", space, study, data, Heartbeat(study), StopSignal(), lambda _: None
    )
    ready.wait()
    waited, calls, began = 0.0, 0, time.perf_counter()
    worker.run()
    results.put((time.perf_counter() - began, fit.slept, waited, calls))


def measure(
    folder: Folder, workers: int, wanted: int, seconds: float, name: str
) -> dict[str, object]:
    """One study of `wanted` trials with that many workers; checks that it is whole."""
    settings = {"dataset": "digits", "budget": 8_000, "trials": wanted, "sampler": name}
    config: StudyConfig = from_settings(settings)
    space = load(config.space)
    folder.make()
    setup.write(folder, config, space)
    study = studies.create(folder.location)
    attributes.publish(study, config, space)
    context = processes.context(config.dataset)
    ready, results = context.Barrier(workers + 1), context.Queue()
    with owner_lock(folder) as owner:
        work = Work(folder, config, owner, PLAIN, None)
        members = [
            context.Process(target=light_worker, args=(work, index, seconds, ready, results))
            for index in range(workers)
        ]
        for member in members:
            member.start()
        ready.wait(600)
        began = time.perf_counter()
        found = [_result(results, members) for _ in members]
        wall = time.perf_counter() - began
        for member in members:
            member.join()
    records = trials.records(studies.load(folder.location))
    trained = [r for r in records if r.state in (State.TRAINED, State.STOPPED)]
    assert len(trained) == wanted, f"{len(trained)} of {wanted} trials"
    assert not [r for r in records if r.state is State.RUNNING], "a trial is left running"
    worked, slept, waited, calls = (sum(part) for part in zip(*found, strict=True))
    return {
        "workers": workers,
        "sampler": name,
        "trials": wanted,
        "draws": len(records),
        "withdrawn": sum(trials.is_withdrawn(t) for t in study.get_trials(deepcopy=False)),
        "epoch s": seconds,
        "trials / s": round(wanted / wall, 2),
        "calls / trial": round(calls / wanted),
        "ms / call": round(1e3 * waited / calls, 1),
        "lost %": round(100 * waited / worked, 1),
        "idle %": round(100 * (1 - slept / worked), 1),
    }


def _result(results: "Queue[tuple[float, ...]]", members: list[Any]) -> tuple[float, ...]:
    """The next worker's figures; fails if one broke."""
    while True:
        try:
            return results.get(timeout=1)
        except Empty:
            assert not any(member.exitcode for member in members), "a worker broke: see above"


@contextmanager
def engines(scratch: Path) -> Iterator[dict[str, str | None]]:
    """The URLs of what is compared, with a PostgreSQL and a proxy that run."""
    import subprocess
    import sys

    sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
    from servers import Postgres, free_port  # type: ignore[import-not-found]

    scratch.chmod(0o755)
    server, port = Postgres(scratch / "postgres"), free_port()
    server.start()
    server.make_database()
    command = [sys.executable, "-m", "nas", "proxy", "--storage", server.url, "--port", str(port)]
    proxy = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        yield {
            "SQLite": None,
            "journal file": f"journal://{scratch / 'journal.log'}",
            "PostgreSQL": server.url,
            "PostgreSQL, gRPC": f"grpc://127.0.0.1:{port}",
        }
    finally:
        proxy.terminate()
        proxy.wait()
        server.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--storage", help="a URL, or sqlite; without it the whole table")
    parser.add_argument("--workers", type=int, nargs="+", default=list(WORKERS))
    parser.add_argument("--trials", type=int, help="default: 3 a worker, at least 12")
    parser.add_argument("--epoch", type=float, default=0.5, help="seconds")
    parser.add_argument("--sampler", default="evolution")
    options = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    dataset("digits")
    rows = []
    with tempfile.TemporaryDirectory() as text:
        scratch = Path(text)

        def row(name: str, url: str | None, workers: int) -> None:
            folder = Folder(scratch / f"{name.replace(' ', '-')}-{workers}-{time.time_ns()}", url)
            wanted = options.trials or max(12, 3 * workers)
            found = measure(folder, workers, wanted, options.epoch, options.sampler)
            rows.append({"storage": name, **found})
            print(rows[-1], flush=True)

        if options.storage:
            url = None if options.storage == "sqlite" else options.storage
            for workers in options.workers:
                row(options.storage.partition(":")[0], url, workers)
            return
        with engines(scratch) as compared:
            for name, url in compared.items():
                for workers in options.workers:
                    row(name, url, workers)
    pd.DataFrame(rows).to_csv(Path(__file__).with_suffix(".csv"), index=False)


if __name__ == "__main__":
    main()
