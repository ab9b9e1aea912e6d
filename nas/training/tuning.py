"""Which arithmetic is the fastest here: timed once on a real training step, then remembered."""

import json
import platform
import time
from contextlib import suppress
from itertools import product
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
from nas.training.arithmetic import LAYOUTS, PRECISIONS, Arithmetic
from nas.training.device import by_hardware
from nas.training.recipe import Recipe
from nas.training.step import optimizer_of, train_step

ROUNDS = 8  # in each, every arithmetic makes one step: what disturbs one disturbs all
CLEARLY = 1.1  # times as fast as the hardware's own choice is reason enough to leave that


def arithmetic_for(device: torch.device, recipe: Recipe) -> Arithmetic:
    """The arithmetic to train `recipe` in on `device`.

    On a CPU it is timed the first time, in about a second, and remembered in the user's cache for
    this processor, torch and precision; delete the file to have it timed again. On other devices
    it is what the hardware has instructions for.
    """
    usual = by_hardware(device, recipe.precision)
    if device.type != "cpu":
        return usual
    path = cache_dir() / "arithmetic.json"
    known = _known(path)
    key = f"{processor()}, torch {torch.__version__}, {recipe.precision}"
    if key not in known:
        wanted = list(PRECISIONS) if recipe.precision == "auto" else [recipe.precision]
        timed = step_times([Arithmetic(*pair) for pair in product(wanted, LAYOUTS)])
        known[key] = _name(chosen(timed, usual))
        with suppress(OSError):  # a cache that cannot be written costs the next search a second
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, json.dumps(known, indent=1))
    return Arithmetic(**known[key])


def chosen(seconds: dict[Arithmetic, float], usual: Arithmetic) -> Arithmetic:
    """The fastest of those timed, but `usual` unless another is clearly faster."""
    fastest = min(seconds, key=lambda arithmetic: seconds[arithmetic])
    return fastest if seconds[usual] > CLEARLY * seconds[fastest] else usual


def step_times(candidates: list[Arithmetic]) -> dict[Arithmetic, float]:
    """Seconds of one training step on one thread of the CPU, for each; the median of a few.

    The step is that of a plain 3 x 3 net of about 3,500 parameters on 64 images of 28 x 28.
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
    """This machine's processor, as far as the system tells it."""
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


def _name(arithmetic: Arithmetic) -> dict[str, str]:
    return {"precision": arithmetic.precision, "layout": arithmetic.layout}


def _known(path: Path) -> dict[str, dict[str, str]]:
    """What has been timed; nothing if the file is not there or is not one of ours."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(content, dict):
        return {}
    return {key: value for key, value in content.items() if _is_arithmetic(value)}


def _is_arithmetic(value: object) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == {"precision", "layout"}
        and value["precision"] in PRECISIONS
        and value["layout"] in LAYOUTS
    )
