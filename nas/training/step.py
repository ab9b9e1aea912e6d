"""One training step and one evaluation, for every engine."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nas.data.augment import warp
from nas.data.images import Images, Normalizer
from nas.training.arithmetic import Arithmetic
from nas.training.recipe import Recipe

# Images per evaluation batch. Larger batches are no faster on a CPU and take more memory.
CPU_BATCH, DEVICE_BATCH = 250, 1_000


def optimizer_of(
    model: nn.Module, recipe: Recipe, lr: Tensor | None = None
) -> torch.optim.Optimizer:
    """Fused AdamW. The caller sets its learning rate before every step.

    With `lr`, a scalar on the weights' device, each step reads the learning rate from it, and on
    CUDA a step can be captured in a graph.
    """
    return torch.optim.AdamW(
        model.parameters(),
        lr=recipe.lr if lr is None else lr,
        weight_decay=recipe.weight_decay,
        fused=True,
        capturable=lr is not None and lr.device.type == "cuda",
    )


def inputs_of(
    images: Images,
    indices: Tensor,
    normalizer: Normalizer,
    recipe: Recipe,
    strength: Tensor,
    generator: torch.Generator,
    arithmetic: Arithmetic,
) -> Tensor:
    """The images at `indices` (n,), augmented and normalised: (n, C, H, W) float32.

    `strength`, a scalar or (n,), scales the recipe's augmentation.
    """
    pixels = images.take(indices).float() / 255
    ranges = (recipe.rotation, recipe.shift, recipe.scale, recipe.flip)
    return arithmetic.arrange(normalizer(warp(pixels, *ranges, generator, strength)))


def train_step(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    images: Tensor,
    labels: Tensor,
    smoothing: float,
    arithmetic: Arithmetic,
    device: torch.device,
) -> tuple[Tensor, Tensor]:
    """One step on a batch: its mean loss and number of correct images, on the device."""
    with arithmetic.context(device):
        logits = model(images)
    logits = logits.float()
    loss = F.cross_entropy(logits, labels, label_smoothing=smoothing)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return loss.detach(), (logits.detach().argmax(1) == labels).sum()


def totals(
    model: nn.Module, images: Images, normalizer: Normalizer, arithmetic: Arithmetic
) -> tuple[Tensor, Tensor]:
    """Summed cross-entropy on `images` and number of correct images, as scalars on the device.

    `model` must be in evaluation mode.
    """
    device = images.labels.device
    loss = torch.zeros((), device=device)
    correct = torch.zeros((), device=device, dtype=torch.long)
    batch = CPU_BATCH if device.type == "cpu" else DEVICE_BATCH
    with torch.no_grad():
        for start in range(0, len(images), batch):
            labels = images.labels[start : start + batch]
            pixels = images.take(slice(start, start + batch)).float() / 255
            with arithmetic.context(device):
                logits = model(arithmetic.arrange(normalizer(pixels)))
            loss += F.cross_entropy(logits.float(), labels, reduction="sum")
            correct += (logits.argmax(1) == labels).sum()
    return loss, correct


def evaluate(
    model: nn.Module, images: Images, normalizer: Normalizer, arithmetic: Arithmetic
) -> tuple[float, float]:
    """Mean cross-entropy, and accuracy in percent, of `model` on `images`."""
    model.eval()
    loss, correct = totals(model, images, normalizer, arithmetic)
    return loss.item() / len(images), 100 * correct.item() / len(images)
