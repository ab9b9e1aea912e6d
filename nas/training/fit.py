"""Train one architecture."""

import time
from collections.abc import Callable, Container
from dataclasses import dataclass
from math import isfinite

import torch
from torch import Tensor

from nas.architecture import Architecture, BatchNorm
from nas.architecture.module import build
from nas.data.images import Split
from nas.training.arithmetic import Arithmetic
from nas.training.curve import Epoch
from nas.training.depthwise import quicken
from nas.training.device import by_hardware
from nas.training.engines import engine_for
from nas.training.recipe import MAX_EPOCHS, Recipe


class TrainingError(Exception):
    """This candidate cannot be trained; the message says why. The study goes on."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A trained network: its curve, and its weights at the last epoch, on the CPU."""

    curve: tuple[Epoch, ...]
    weights: dict[str, Tensor]
    engine: str = "eager"  # see `nas.training.engines`
    fallback: str = ""  # why it was not a CUDA graph, where that was to be

    @property
    def accuracy(self) -> float:
        """On the held-out images after the last epoch, in percent; never the best epoch's."""
        last = self.curve[-1].accuracy
        assert last is not None, "the last epoch was not measured"
        return last

    def where(self, place: str) -> str:
        """`place`, the device and its arithmetic, with the engine where there is a choice."""
        chosen = self.engine != "eager" or self.fallback
        return f"{place}, {self.engine}" if chosen else place


def fit(
    architecture: Architecture,
    data: Split,
    recipe: Recipe,
    seed: int,
    on_epoch: Callable[[Epoch], bool | None] = lambda _: None,
    measured: Container[int] = range(1, MAX_EPOCHS + 1),
    arithmetic: Arithmetic | None = None,
) -> Fit:
    """Train `architecture` on `data.train` as `recipe` says, on the device that holds the data.

    After each epoch that is in `measured` it is measured on `data.held_out`, and after each one
    `on_epoch` is called; where that returns False, training ends. Measuring changes nothing in the
    network. `arithmetic` is by default what the hardware has instructions for. The same seed and
    arithmetic give the same network on a CPU with the same number of threads. Raises
    `TrainingError` if the loss stops being a number or memory runs out. The caller's random state
    is left alone.
    """
    device = data.train.labels.device
    devices = [device] if device.type == "cuda" else []
    try:
        with torch.random.fork_rng(devices, device_type="cuda"):
            torch.manual_seed(seed)
            return _fit(
                architecture,
                data,
                recipe,
                seed,
                on_epoch,
                measured,
                arithmetic or by_hardware(device, recipe.precision),
            )
    except (torch.OutOfMemoryError, MemoryError):
        raise TrainingError("out of memory") from None
    except RuntimeError as error:
        if "can't allocate memory" in str(error) or "not enough memory" in str(error):
            raise TrainingError("out of memory") from None
        raise


def _fit(
    architecture: Architecture,
    data: Split,
    recipe: Recipe,
    seed: int,
    on_epoch: Callable[[Epoch], bool | None],
    measured: Container[int],
    arithmetic: Arithmetic,
) -> Fit:
    device = data.train.labels.device
    model = build(architecture).to(device, memory_format=arithmetic.memory_format)  # type: ignore[call-overload]
    if device.type == "cpu":
        quicken(model)
    recipe = recipe.of_network(architecture.has(BatchNorm))
    engine = engine_for(model, data, recipe, seed, arithmetic)
    curve = []
    for number in range(1, recipe.epochs + 1):
        start = time.perf_counter()
        train_loss, train_accuracy = engine.train_epoch()
        if not isfinite(train_loss):
            raise TrainingError(f"the loss is not a finite number in epoch {number}")
        loss, accuracy = engine.measure() if number in measured else (None, None)
        seconds = time.perf_counter() - start
        curve.append(Epoch(number, train_loss, train_accuracy, loss, accuracy, seconds))
        if on_epoch(curve[-1]) is False:
            break
    weights = {  # copies: a file of tensors has no two names for one
        name: value.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, value in engine.network.state_dict().items()
    }
    return Fit(tuple(curve), weights, engine.name, engine.fallback)
