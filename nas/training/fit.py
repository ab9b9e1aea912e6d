"""Train one architecture."""

import time
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from math import isfinite

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nas.architecture import Architecture
from nas.architecture.module import build
from nas.data.augment import warp
from nas.data.images import Images, Normalizer, Split
from nas.training.arithmetic import Arithmetic, by_hardware
from nas.training.curve import Epoch
from nas.training.recipe import MAX_EPOCHS, Recipe

# Images are gathered, warped and normalised this many at a time: enough to make the calls' own
# cost vanish, few enough to stay in a core's cache.
CHUNK = 1_024
EVALUATION_BATCH = 1_000


class TrainingError(Exception):
    """This candidate cannot be trained; the message says why. The study goes on."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A trained network: its curve, and its weights at the last epoch, on the CPU."""

    curve: tuple[Epoch, ...]
    weights: dict[str, Tensor]

    @property
    def accuracy(self) -> float:
        """On the held-out images after the last epoch, in percent; never the best epoch's."""
        last = self.curve[-1].accuracy
        assert last is not None, "the last epoch was not measured"
        return last


def fit(
    architecture: Architecture,
    data: Split,
    recipe: Recipe,
    seed: int,
    on_epoch: Callable[[Epoch], None] = lambda _: None,
    measured: Container[int] = range(1, MAX_EPOCHS + 1),
    arithmetic: Arithmetic | None = None,
) -> Fit:
    """Train `architecture` on `data.train` as `recipe` says, on the device that holds the data.

    After each epoch that is in `measured` it is measured on `data.held_out`, and after each one
    `on_epoch` is called. Measuring changes nothing in the network. `arithmetic` is by default what
    the hardware has instructions for. The same seed and arithmetic give the same network on a CPU
    with the same number of threads. Raises `TrainingError` if the
    loss stops being a number or memory runs out. The caller's random state is left alone.
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
    on_epoch: Callable[[Epoch], None],
    measured: Container[int],
    arithmetic: Arithmetic,
) -> Fit:
    device = data.train.labels.device
    model = build(architecture).to(device, memory_format=arithmetic.memory_format)  # type: ignore[call-overload]
    optimizer = optimizer_of(model, recipe)
    batch_size = min(recipe.batch_size, len(data.train))
    steps = len(data.train) // batch_size
    rates = iter(recipe.learning_rates(steps))
    generator = torch.Generator(device).manual_seed(seed)
    smoothing = recipe.label_smoothing
    curve = []
    for number in range(1, recipe.epochs + 1):
        start = time.perf_counter()
        model.train()
        # Summed on the device and read once an epoch: reading waits for the device.
        loss_sum = torch.zeros((), device=device)
        correct = torch.zeros((), device=device, dtype=torch.long)
        for images, labels in _batches(data, recipe, batch_size, generator, arithmetic):
            for group in optimizer.param_groups:
                group["lr"] = next(rates)
            loss, right = train_step(
                model, optimizer, images, labels, smoothing, arithmetic, device
            )
            loss_sum += loss
            correct += right
        train_loss = loss_sum.item() / steps
        if not isfinite(train_loss):
            raise TrainingError(f"the loss is not a finite number in epoch {number}")
        held_out_loss, accuracy = None, None
        if number in measured:
            held_out_loss, accuracy = evaluate(model, data.held_out, data.normalizer, arithmetic)
        curve.append(
            Epoch(
                number=number,
                train_loss=train_loss,
                train_accuracy=100 * correct.item() / (steps * batch_size),
                loss=held_out_loss,
                accuracy=accuracy,
                seconds=time.perf_counter() - start,
            )
        )
        on_epoch(curve[-1])
    weights = {
        name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()
    }
    return Fit(tuple(curve), weights)


def optimizer_of(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """AdamW in one fused call for all weights; its learning rate is set before every step."""
    return torch.optim.AdamW(
        model.parameters(), lr=recipe.lr, weight_decay=recipe.weight_decay, fused=True
    )


def train_step(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    images: Tensor,
    labels: Tensor,
    smoothing: float,
    arithmetic: Arithmetic,
    device: torch.device,
) -> tuple[Tensor, Tensor]:
    """One step on a batch; its mean loss and how many were right, both on the device."""
    with arithmetic.context(device):
        logits = model(images)
    logits = logits.float()
    loss = F.cross_entropy(logits, labels, label_smoothing=smoothing)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return loss.detach(), (logits.detach().argmax(1) == labels).sum()


def evaluate(
    model: nn.Module, images: Images, normalizer: Normalizer, arithmetic: Arithmetic
) -> tuple[float, float]:
    """Mean cross-entropy and accuracy in percent of `model` on `images`."""
    model.eval()
    loss = torch.zeros((), device=images.labels.device)
    correct = torch.zeros((), device=images.labels.device, dtype=torch.long)
    device = images.labels.device
    with torch.inference_mode():
        for start in range(0, len(images), EVALUATION_BATCH):
            labels = images.labels[start : start + EVALUATION_BATCH]
            pixels = images.take(slice(start, start + EVALUATION_BATCH)).float() / 255
            with arithmetic.context(device):
                logits = model(arithmetic.arrange(normalizer(pixels)))
            loss += F.cross_entropy(logits.float(), labels, reduction="sum")
            correct += (logits.argmax(1) == labels).sum()
    return loss.item() / len(images), 100 * correct.item() / len(images)


def _batches(
    data: Split,
    recipe: Recipe,
    batch_size: int,
    generator: torch.Generator,
    arithmetic: Arithmetic,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Whole batches of augmented, normalised images in random order; a remainder waits its turn."""
    images = data.train
    order = torch.randperm(len(images), device=images.labels.device, generator=generator)
    order = order[: len(images) // batch_size * batch_size]
    for chunk in order.split(max(1, CHUNK // batch_size) * batch_size):
        pixels = images.take(chunk).float() / 255
        warped = warp(pixels, recipe.rotation, recipe.shift, recipe.scale, generator)
        inputs = arithmetic.arrange(data.normalizer(warped)).split(batch_size)
        yield from zip(inputs, images.labels[chunk].split(batch_size), strict=True)
