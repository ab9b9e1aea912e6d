"""What a search costs besides training: ask, gate, tell and records, with a trainer that does none.

    python benchmarks/bookkeeping.py [--trials 1000] [--sampler random] [--study FOLDER]

One worker on SQLite in this process. Prints milliseconds a draw and a trained trial over each fifth
of the study, so that growth shows, and writes bookkeeping.csv beside this file. With `--study` the
study is kept there, for `benchmarks/startup.py`.
"""

import argparse
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import optuna
import pandas as pd
import torch

from nas.architecture import Architecture
from nas.architecture.module import build
from nas.data.images import Split, load_split
from nas.execution.events import Ended, WorkerEvent
from nas.execution.liveness import Heartbeat
from nas.execution.signals import StopSignal
from nas.execution.worker import Work, Worker
from nas.sampling.samplers import sampler
from nas.spaces import load
from nas.storage import studies
from nas.study import setup
from nas.study.config import from_settings
from nas.study.folder import Folder
from nas.training import Epoch
from nas.training import fit as training
from nas.training.arithmetic import Arithmetic
from nas.training.fit import Fit
from nas.training.machine import Machine

PARTS = 5


def untrained(
    architecture: Architecture,
    _data: object,
    _recipe: object,
    _seed: int,
    on_epoch: Callable[[Epoch], bool | None],
    **_: object,
) -> Fit:
    """A fit that took no time: a plausible curve, judged at its rungs, and random weights."""
    noise = random.Random(architecture.hash).random()
    best = 100 - 60 * (architecture.params / 50) ** -0.9 - noise
    curve = []
    for n in range(1, 16):
        curve.append(Epoch(n, 1 / n, best - 5 / n, 1 / n, best - (15 - n) / 5, 0.0))
        if on_epoch(curve[-1]) is False:
            break
    weights = build(architecture).state_dict()  # a file of tensors has no two names for one
    return Fit(tuple(curve), {name: value.clone() for name, value in weights.items()})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=1_000)
    parser.add_argument("--sampler", default="random")
    parser.add_argument("--study", type=Path)
    options = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    training.fit = untrained  # type: ignore[assignment]
    with tempfile.TemporaryDirectory() as scratch:
        table = run(options.trials, options.sampler, Folder(options.study or Path(scratch) / "s"))
    path = Path(__file__).with_suffix(".csv")
    if path.exists():  # the rows of other samplers stay
        before = pd.read_csv(path)
        others = before[before["sampler"] != options.sampler]
        pd.concat([others, table]).to_csv(path, index=False)
    else:
        table.to_csv(path, index=False)
    print(table.to_string(index=False))


def run(trials: int, sampler_name: str, folder: Folder) -> pd.DataFrame:
    """Milliseconds a draw and a trained trial, by the part of the study."""
    config = from_settings({"dataset": "digits", "trials": trials, "sampler": sampler_name})
    space = load(config.space)
    setup.write(folder, config, space)
    study = studies.create(folder.location)
    study.sampler = sampler(config.sampler, 0, space, config.task)
    ends: list[tuple[float, bool]] = []

    def tell(event: WorkerEvent) -> None:
        if isinstance(event, Ended):
            ends.append((time.perf_counter(), not event.record.state.rejected))

    data: Split = load_split(config.data)
    stop, plain = StopSignal(), Machine("cpu", "cpu", 0, Arithmetic("float32"))
    start = time.perf_counter()
    work = Work(folder, config, "benchmark", plain, None)
    Worker(work, "worker-0", "cpu", space, study, data, Heartbeat(study), stop, tell).run()
    rows = []
    for part in range(PARTS):
        own = ends[len(ends) * part // PARTS : len(ends) * (part + 1) // PARTS]
        spent = 1e3 * (own[-1][0] - start)
        trained = sum(was_trained for _, was_trained in own)
        rows.append(
            {
                "draws": f"{len(ends) * part // PARTS + 1} to {len(ends) * (part + 1) // PARTS}",
                "sampler": sampler_name,
                "ms a draw": round(spent / len(own), 1),
                "ms a trial that counts, its rejected draws included": round(spent / trained, 1),
            }
        )
        start = own[-1][0]
    return pd.DataFrame(rows)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
