"""Train one architecture."""

import time
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import isfinite

import torch
from torch import Tensor

from nas.architecture import Architecture, BatchNorm
from nas.architecture.module import build
from nas.data.images import Split
from nas.training.arithmetic import Arithmetic
from nas.training.curve import Epoch
from nas.training.depthwise import use_fast_gradients
from nas.training.device import by_hardware
from nas.training.engines import engine_for
from nas.training.recipe import MAX_EPOCHS, Recipe


class TrainingError(Exception):
    """This candidate cannot be trained; the study continues."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A trained network: its learning curve, and its weights after the last epoch, on the CPU."""

    curve: tuple[Epoch, ...]
    weights: dict[str, Tensor]
    engine: str = "eager"  # see `nas.training.engines`
    fallback: str = ""  # why CUDA graph capture failed; empty if it did not

    @property
    def accuracy(self) -> float:
        """Accuracy on the held-out images after the last epoch, in percent; not the best epoch."""
        last = self.curve[-1].accuracy
        assert last is not None, "the last epoch was not measured"
        return last

    def where(self, place: str) -> str:
        """`place` (the device and its arithmetic), with the engine unless only one was possible."""
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
    """Train `architecture` on `data.train` by `recipe`, on the device that holds `data`.

    After every epoch in `measured` the network is evaluated on `data.held_out`, which does not
    affect its training. `on_epoch` is called after every epoch; training ends when it returns
    False. `arithmetic` defaults to what the hardware has instructions for. On a CPU, the same seed,
    arithmetic and number of threads give the same weights. The caller's random state is kept.

    Raises `TrainingError` if the loss is not finite or memory runs out.
    """
    device = data.train.labels.device
    arithmetic = arithmetic or by_hardware(device, recipe.precision)
    recipe = recipe.of_network(architecture.has(BatchNorm))
    devices = [device] if device.type == "cuda" else []
    with _memory_errors_as_training_errors(), torch.random.fork_rng(devices, device_type="cuda"):
        torch.manual_seed(seed)
        model = build(architecture).to(device, memory_format=arithmetic.memory_format)  # type: ignore[call-overload]
        if device.type == "cpu":
            use_fast_gradients(model)
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
        weights = {  # copies, because safetensors refuses two names for one tensor
            name: value.detach().cpu().clone(memory_format=torch.contiguous_format)
            for name, value in engine.network.state_dict().items()
        }
    return Fit(tuple(curve), weights, engine.name, engine.fallback)


@contextmanager
def _memory_errors_as_training_errors() -> Iterator[None]:
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError):
        raise TrainingError("out of memory") from None
    except RuntimeError as error:
        if "can't allocate memory" in str(error) or "not enough memory" in str(error):
            raise TrainingError("out of memory") from None
        raise
