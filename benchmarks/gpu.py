"""Every check and benchmark that needs a GPU, in one command of a few minutes, without a network.

    python benchmarks/gpu.py [--device cuda] [--part checks engines ...]
                             [--workers 1 8] [--note MPS]

MNIST has to be in NAS_DATA_DIR. The parts, in order; each figure is printed at once, and
appended to gpu.csv beside this file, with the note:

- checks: the CUDA tests of tests/training (graph against eager, warm-up, dropout, fallback).
- engines: one epoch of 12,800 images by each engine, in turn, the median of three; the ratio.
- arithmetic: a step of three nets in both precisions and layouts, with and without cuDNN's timing.
- training: one training of 15 epochs on all 50,000 images, graph captured and measured included.
- workers: candidates per hour with as many processes on one GPU as `--workers` says, in turn, each
  of them training 5 epochs of 50,000 images at once.
- search: `nas search --budget 8000 --trials 200`, from command to front.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import product
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path
from statistics import median

import optuna
import pandas as pd
import torch
from throughput import data, net

from nas.architecture import Architecture, Limits, Task
from nas.architecture.module import build
from nas.training import Recipe
from nas.training.arithmetic import DTYPES, LAYOUTS, Arithmetic
from nas.training.device import by_hardware, describe, resolve
from nas.training.engines import Captured, Eager, Engine, OnDevice
from nas.training.fit import fit
from search_spaces import conv

IMAGES = 12_800
SHORT = Recipe(epochs=5)

Row = tuple[str, str, float]
COLUMNS = ["device", "note", "part", "what", "figure"]


def checks(_: torch.device) -> Iterator[Row]:
    """The exit status of the tests: 0 is passed; a skipped check is no check, so it is shown."""
    tests = Path(__file__).parents[1] / "tests/training"
    command = [sys.executable, "-m", "pytest", "-q", "-rs", str(tests / "test_engines.py")]
    yield "checks", "pytest's exit status", subprocess.run(command, check=False).returncode


def engines(device: torch.device) -> Iterator[Row]:
    """Seconds of an epoch, the engines in turn."""
    split = data(IMAGES).to(device)
    recipe = Recipe()
    arithmetic = by_hardware(device, recipe.precision)
    kinds: list[type[Eager | OnDevice]] = [Eager, OnDevice]
    if device.type == "cuda":
        kinds.append(Captured)
    made: dict[str, Engine] = {}
    for kind in kinds:
        model = build(net()).to(device, memory_format=arithmetic.memory_format)  # type: ignore[call-overload]
        start = time.perf_counter()
        made[kind.__name__] = kind(model, split, recipe, 0, arithmetic)
        yield "engines", f"{kind.__name__}: seconds to set up", time.perf_counter() - start
    spent: dict[str, list[float]] = {name: [] for name in made}
    for _ in range(4):
        for name, engine in made.items():
            start = time.perf_counter()
            engine.train_epoch()
            spent[name].append(time.perf_counter() - start)
    seconds = {name: median(times[1:]) for name, times in spent.items()}
    for name, value in seconds.items():
        yield "engines", f"{name}: seconds an epoch of {IMAGES}", value
        yield "engines", f"Eager / {name}", seconds["Eager"] / value


def design(budget: int, family: conv.Family) -> Architecture:
    """The conv space's own of that family."""
    task = Task((1, 28, 28), 10, Limits(budget))
    best = conv.best_design(task, budget, family)
    assert best is not None
    return conv.sample(optuna.trial.FixedTrial(best[1]), task)


def arithmetic(device: torch.device) -> Iterator[Row]:
    """Milliseconds of a step, from the gathering of its batch to the average."""
    split = data(IMAGES).to(device)
    kind: type[OnDevice] = Captured if device.type == "cuda" else OnDevice
    nets = {
        "plain": design(8_000, conv.PLAIN),
        "separable": design(8_000, conv.SEPARABLE),
        "sharing": design(1_500, conv.RECURRENT),
    }
    for (name, candidate), timing in product(nets.items(), (False, True)):
        torch.backends.cudnn.benchmark = timing
        for precision, layout in product(DTYPES, LAYOUTS):
            chosen = Arithmetic(precision, layout)
            model = build(candidate).to(device, memory_format=chosen.memory_format)  # type: ignore[call-overload]
            engine = kind(model, split, Recipe(), 0, chosen)
            spent = []
            for _ in range(4):
                start = time.perf_counter()
                engine.train_epoch()
                spent.append(time.perf_counter() - start)
            step = 1e3 * median(spent[1:]) / (IMAGES // Recipe().batch_size)
            how = "timed algorithms" if timing else "default algorithms"
            yield "arithmetic", f"{name}, {chosen}, {how}: ms a step", step
    torch.backends.cudnn.benchmark = False


def training(device: torch.device) -> Iterator[Row]:
    """Seconds of a whole training, the second time: the first loads CUDA's libraries."""
    split = data(50_000).to(device)
    fit(net(), split, Recipe(epochs=1), seed=0)
    start = time.perf_counter()
    found = fit(net(), split, Recipe(), seed=0)
    spent = time.perf_counter() - start
    yield "training", f"seconds of 15 epochs, {found.where(str(device))}", spent


def worker(device: str, barrier: Barrier, seconds: "object") -> None:
    """Train when all are ready, and put the seconds into the queue."""
    split = data(50_000).to(torch.device(device))
    fit(net(), split, Recipe(epochs=1), seed=0)
    barrier.wait()
    start = time.perf_counter()
    fit(net(), split, SHORT, seed=0)
    seconds.put(time.perf_counter() - start)  # type: ignore[attr-defined]


def workers(device: torch.device, counts: Sequence[int]) -> Iterator[Row]:
    """Candidates of 15 epochs per hour of so many processes together."""
    context = get_context("spawn")
    for count in counts:
        barrier, seconds = context.Barrier(count), context.SimpleQueue()
        processes = [
            context.Process(target=worker, args=(str(device), barrier, seconds))
            for _ in range(count)
        ]
        for process in processes:
            process.start()
        longest: float = max(seconds.get() for _ in processes)
        for process in processes:
            process.join()
        rate = 3600 * count / (longest * Recipe().epochs / SHORT.epochs)
        yield "workers", f"{count}: candidates an hour", rate


def search(device: torch.device) -> Iterator[Row]:
    """Seconds from the command to the front."""
    with tempfile.TemporaryDirectory() as folder:
        study = ["--study", f"{folder}/study", "--device", str(device)]
        command = [sys.executable, "-m", "nas", "search", "--budget", "8000", "--trials", "200"]
        start = time.perf_counter()
        subprocess.run([*command, *study], check=True)
        spent = time.perf_counter() - start
    yield "search", "seconds of 200 trials, budget 8,000", spent


PARTS = ("checks", "engines", "arithmetic", "training", "workers", "search")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--part", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--workers", nargs="+", type=int, default=[1, 2, 4, 8, 16])
    parser.add_argument("--note", default="", help="a column of the table")
    options = parser.parse_args()
    device = resolve(options.device)
    label = describe(device)
    output = Path(__file__).with_suffix(".csv")
    work: dict[str, Callable[[torch.device], Iterator[Row]]] = {
        **{part.__name__: part for part in (checks, engines, arithmetic, training, search)},
        "workers": partial(workers, counts=options.workers),
    }
    for part in options.part:
        for row in work[part](device):
            print(f"{part}: {row[1]}: {row[2]:.3f}", flush=True)
            table = pd.DataFrame([(label, options.note, *row)], columns=COLUMNS)
            new = not output.exists()
            table.to_csv(output, mode="a", header=new, index=False, float_format="%.4g")


if __name__ == "__main__":
    main()
