"""The fastest arithmetic on this CPU: timed once on a real training step, then cached."""

import json
import platform
import time
from contextlib import suppress
from itertools import product, starmap
from pathlib import Path
from statistics import median

import torch

from nas.architecture import (
    Architecture,
    BatchNorm,
    Conv,
    Flatten,
    GlobalAvgPool,
    Layer,
    MaxPool,
    ReLU,
)
from nas.architecture.module import build
from nas.data.files import cache_dir
from nas.files import write_whole
from nas.training.arithmetic import DTYPES, LAYOUTS, Arithmetic
from nas.training.device import by_hardware
from nas.training.recipe import Recipe
from nas.training.step import optimizer_of, train_step

ROUNDS = 8  # one step of each arithmetic per round, so that a disturbance affects all of them
MIN_SPEEDUP = 1.1  # over the hardware's own choice, to prefer another


def arithmetic_for(device: torch.device, recipe: Recipe) -> Arithmetic:
    """The arithmetic to train `recipe` in on `device`.

    On a CPU the first call takes about a second to time it and caches the result in the user's
    cache for this processor, torch version and precision; delete arithmetic.json to time it again.
    On other devices it follows from the hardware's instructions.
    """
    usual = by_hardware(device, recipe.precision)
    if device.type != "cpu":
        return usual
    dtypes = DTYPES if recipe.precision == "auto" else (recipe.precision,)
    candidates = {str(a): a for a in starmap(Arithmetic, product(dtypes, LAYOUTS))}
    path = cache_dir() / "arithmetic.json"
    cached = _cached(path)
    key = f"{processor()}, torch {torch.__version__}, {recipe.precision}"
    if cached.get(key) not in candidates:
        cached[key] = str(chosen(step_times(list(candidates.values())), usual))
        with suppress(OSError):  # without a cache, the next search times it again
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, json.dumps(cached, indent=1))
    return candidates[cached[key]]


def chosen(seconds: dict[Arithmetic, float], usual: Arithmetic) -> Arithmetic:
    """The fastest arithmetic if it beats `usual` by `MIN_SPEEDUP`, else `usual`."""
    fastest = min(seconds, key=lambda arithmetic: seconds[arithmetic])
    return fastest if seconds[usual] > MIN_SPEEDUP * seconds[fastest] else usual


def step_times(candidates: list[Arithmetic]) -> dict[Arithmetic, float]:
    """Median seconds of one training step on one CPU thread, for each candidate.

    The network has plain 3 x 3 convolutions and about 3,500 parameters; a batch has 64 images of
    28 x 28.
    """
    threads = torch.get_num_threads()
    device = torch.device("cpu")
    recipe = Recipe()
    spent: dict[Arithmetic, list[float]] = {arithmetic: [] for arithmetic in candidates}
    try:
        torch.set_num_threads(1)
        with torch.random.fork_rng([], device_type="cuda"):
            torch.manual_seed(0)
            images = torch.randn(recipe.batch_size, 1, 28, 28)
            labels = torch.arange(recipe.batch_size) % 10
            models = {
                arithmetic: build(_net()).to(memory_format=arithmetic.memory_format)  # type: ignore[call-overload]
                for arithmetic in candidates
            }
        optimizers = {a: optimizer_of(model, recipe) for a, model in models.items()}
        for _ in range(1 + ROUNDS):
            for arithmetic, model in models.items():
                inputs = arithmetic.arrange(images)
                start = time.perf_counter()
                train_step(model, optimizers[arithmetic], inputs, labels, 0.0, arithmetic, device)
                spent[arithmetic].append(time.perf_counter() - start)
    finally:
        torch.set_num_threads(threads)
    return {arithmetic: median(times[1:]) for arithmetic, times in spent.items()}


def processor() -> str:
    """Name of this machine's processor, as far as it is known, and its vector instructions."""
    info = Path("/proc/cpuinfo")
    found = ""
    if info.is_file():
        lines = info.read_text(encoding="utf-8", errors="replace").splitlines()
        found = next(
            (line.partition(":")[2] for line in lines if line.startswith("model name")), ""
        )
    capability = torch.backends.cpu.get_cpu_capability()
    return f"{found.strip() or platform.processor() or platform.machine()}, {capability}"


def _net() -> Architecture:
    layers: list[Layer] = []
    for width, pooled in ((8, False), (8, True), (12, False), (12, True)):
        layers += [Conv(width, bias=False), BatchNorm(), ReLU(), *([MaxPool()] if pooled else [])]
    layers += [Conv(10, kernel=1), GlobalAvgPool(), Flatten()]
    return Architecture((1, 28, 28), tuple(layers))


def _cached(path: Path) -> dict[str, str]:
    """The names of the arithmetics timed so far; empty if the file is missing or invalid."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(content, dict):
        return {}
    return {key: value for key, value in content.items() if isinstance(value, str)}
