"""Every check and benchmark that needs a GPU, in one command of a few minutes, without a network.

    python benchmarks/gpu.py [--device cuda] [--part checks engines training workers search]

MNIST has to be in NAS_DATA_DIR. The parts, in order; each prints what it found at once, and all of
it goes to gpu.csv beside this file:

- checks: the CUDA tests of tests/training (graph against eager, warm-up, dropout, fallback).
- engines: one epoch of 12,800 images by each engine, in turn, the median of three; the ratio.
- training: one training of 15 epochs on all 50,000 images, graph captured and measured included.
- workers: candidates per hour with 1 to 8 worker processes on one GPU, an epoch each at once.
- search: `nas search --budget 8000 --trials 200`, from command to front.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path
from statistics import median

import pandas as pd
import torch
from throughput import CANDIDATE, data, net, worker

from nas.architecture.module import build
from nas.training import Recipe
from nas.training.device import by_hardware, describe, resolve
from nas.training.engines import Captured, Eager, Engine, OnDevice
from nas.training.fit import fit

IMAGES = 12_800
WORKERS = (1, 2, 3, 4, 6, 8)

Row = tuple[str, str, float]  # part, what, figure


def checks(_: torch.device) -> list[Row]:
    """The exit status of the tests: 0 is passed; a skipped check is no check, so it is shown."""
    tests = Path(__file__).parents[1] / "tests/training"
    command = [sys.executable, "-m", "pytest", "-q", "-rs", str(tests / "test_engines.py")]
    return [("checks", "pytest's exit status", subprocess.run(command, check=False).returncode)]


def engines(device: torch.device) -> list[Row]:
    """Seconds of an epoch, the engines in turn."""
    split = data(IMAGES).to(device)
    recipe = Recipe()
    arithmetic = by_hardware(device, recipe.precision)
    kinds: list[type[Eager | OnDevice]] = [Eager, OnDevice]
    if device.type == "cuda":
        kinds.append(Captured)
    made: dict[str, Engine] = {}
    rows: list[Row] = []
    for kind in kinds:
        model = build(net()).to(device, memory_format=arithmetic.memory_format)  # type: ignore[call-overload]
        start = time.perf_counter()
        made[kind.__name__] = kind(model, split, recipe, 0, arithmetic)
        rows.append(("engines", f"{kind.__name__}: seconds to set up", time.perf_counter() - start))
    spent: dict[str, list[float]] = {name: [] for name in made}
    for _ in range(4):
        for name, engine in made.items():
            start = time.perf_counter()
            engine.train_epoch()
            spent[name].append(time.perf_counter() - start)
    seconds = {name: median(times[1:]) for name, times in spent.items()}
    for name, value in seconds.items():
        rows.append(("engines", f"{name}: seconds an epoch of {IMAGES}", value))
        rows.append(("engines", f"Eager / {name}", seconds["Eager"] / value))
    return rows


def training(device: torch.device) -> list[Row]:
    """Seconds of a whole training, the second time: the first loads CUDA's libraries."""
    split = data(50_000).to(device)
    fit(net(), split, Recipe(epochs=1), seed=0)
    start = time.perf_counter()
    found = fit(net(), split, Recipe(), seed=0)
    spent = time.perf_counter() - start
    return [("training", f"seconds of 15 epochs, {found.where(str(device))}", spent)]


def workers(device: torch.device) -> list[Row]:
    """Candidates per hour of several processes together."""
    context = get_context("spawn")
    rows: list[Row] = []
    for count in WORKERS if device.type == "cuda" else (1, 2):
        barrier, seconds = context.Barrier(count), context.SimpleQueue()
        processes = [
            context.Process(target=worker, args=(IMAGES, str(device), barrier, seconds))
            for _ in range(count)
        ]
        for process in processes:
            process.start()
        longest: float = max(seconds.get() for _ in processes)
        for process in processes:
            process.join()
        rate = 3600 * count * IMAGES / longest / CANDIDATE
        rows.append(("workers", f"{count}: candidates an hour", rate))
    return rows


def search(device: torch.device) -> list[Row]:
    """Seconds from the command to the front."""
    with tempfile.TemporaryDirectory() as folder:
        study = ["--study", f"{folder}/study", "--device", str(device)]
        command = [sys.executable, "-m", "nas", "search", "--budget", "8000", "--trials", "200"]
        start = time.perf_counter()
        subprocess.run([*command, *study], check=True)
        spent = time.perf_counter() - start
    return [("search", "seconds of 200 trials, budget 8,000", spent)]


PARTS = {part.__name__: part for part in (checks, engines, training, workers, search)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--part", nargs="+", choices=PARTS, default=list(PARTS))
    options = parser.parse_args()
    device = resolve(options.device)
    label = describe(device)
    found: list[Row] = []
    for part in options.part:
        rows = PARTS[part](device)
        for _, what, figure in rows:
            print(f"{part}: {what}: {figure:.3f}", flush=True)
        found += rows
        table = pd.DataFrame(found, columns=["part", "what", "figure"])
        table.insert(0, "device", label)
        table.to_csv(Path(__file__).with_suffix(".csv"), index=False, float_format="%.4g")


if __name__ == "__main__":
    main()
