"""Trains the network of model.py again, as its search did.

    python train.py               on all training images; reads the test images once, at the end
    python train.py --held-out    as in the search: on the images that it trained on, measured
                                  after each epoch on those that it held out; no test image is read

The seed below is the search's own. With the same hardware, versions, precision, memory layout
(here channels last) and number of threads (a search uses one a candidate on a CPU), `--held-out`
gives the search's network again.
"""

import argparse
import copy
import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from math import cos, pi
from typing import Any

import numpy as np
import torch
from model import MEAN, STD, Net
from torch import Tensor, nn
from torch.nn import functional as F

DATASET = "MNIST"  # in torchvision.datasets
OPTIONS: dict[str, Any] = {}
TRANSPOSED = False  # whether it stores rows and columns swapped
EPOCHS = 15
CYCLES = (15,)  # epochs of each learning-rate cycle
BATCH_SIZE = 64
LR = 0.04  # AdamW's peak learning rate
WEIGHT_DECAY = 0.0001
WARMUP = 0.2  # share of a cycle in which the learning rate rises
AVERAGE = 1.0  # epochs that the network's weights are averaged over; 0: none
BN_IMAGES = 2_000  # training images that batch norm's statistics are taken anew from; 0: none
LABEL_SMOOTHING = 0.0
ROTATION = 7.0  # degrees, each way
SHIFT = 1.5  # pixels, each way
SCALE = 0.05  # relative, each way
FLIP = 0.0  # probability that an image is mirrored left to right
FADE = 0.33  # share of the steps, the last, in which augmentation but flip fades
FADE_ABOVE = 1.5  # percent of training images wrong until then; with fewer it does not
PRECISION = "auto"  # bfloat16 on a CPU that has it, else float32
SEED = 194_968_765
HELD_OUT = 10_000  # training images that the search measured on
SPLIT_SEED = 0
CHUNK = 1_024  # images that are augmented at once


def warp(
    images: Tensor,
    rotation: float,
    shift: float,
    scale: float,
    flip: float,
    generator: torch.Generator,
    strength: float | Tensor = 1.0,
) -> Tensor:
    """`images` (N, C, H, W), each rotated, scaled and shifted at random about its centre, and
    perhaps mirrored left to right before that.

    Drawn uniformly: the angle from +-`rotation` degrees, the factor from 1 +- `scale`, the shift
    in each direction from +-`shift` pixels; `flip` is the probability that an image is mirrored.
    `strength`, one for all or (N,), is what these three ranges are multiplied by. Pixels from
    outside are 0. `generator` lives on the images' device.
    """
    if not (rotation or shift or scale or flip):
        return images
    count, _, height, width = images.shape
    draw = (torch.rand(4, count, device=images.device, generator=generator) * 2 - 1) * strength
    angle = draw[0] * math.radians(rotation)
    factor = 1 / (1 + draw[1] * scale)  # affine_grid maps output to input, so it takes the inverse
    cos, sin = torch.cos(angle) * factor, torch.sin(angle) * factor
    ratio = height / width  # grid coordinates run from -1 to 1 on both axes
    across, down = draw[2] * (2 * shift / width), draw[3] * (2 * shift / height)
    # affine_grid's arithmetic, written out: its batched product of 2 x 3 matrices takes as long
    # as everything else in this function together.
    columns = (torch.arange(width, device=images.device) * 2 + 1) / width - 1
    rows = ((torch.arange(height, device=images.device) * 2 + 1) / height - 1)[:, None]
    cos, sin, across, down = (term[:, None, None] for term in (cos, sin, across, down))
    x = torch.addcmul(across - sin * ratio * rows, cos, columns)
    y = torch.addcmul(down + cos * rows, sin / ratio, columns)
    if flip:
        chance = torch.rand(count, device=images.device, generator=generator)
        x = torch.where((chance < flip)[:, None, None], -x, x)
    grid = torch.stack([x, y], dim=3)
    return F.grid_sample(images, grid, align_corners=False)


def stratified_mask(
    labels: "np.ndarray[tuple[int], np.dtype[np.integer]]", count: int, seed: int
) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Picks `count` of the images with these labels (N,), as a mask (N,).

    Shuffled, then sorted by label, then picked at equal steps: so each class has its share, give
    or take one image.
    """
    # RandomState's stream is frozen by numpy; a Generator's may change between versions.
    shuffled = np.random.RandomState(seed).permutation(len(labels))
    by_label = shuffled[np.argsort(labels[shuffled], kind="stable")]
    mask = np.zeros(len(labels), dtype=bool)
    mask[by_label[np.arange(count) * len(labels) // count]] = True
    return mask


class Average:
    """A network of its own, whose weights and batch norm statistics follow another's: after each
    step they go a share of the way to them.

    With a steady share that is an exponential moving average, which stands near to where the
    other would come to if its learning rate were annealed now (Polyak and Juditsky, 1992;
    Tarvainen and Valpola, Mean teachers, 2017).
    """

    def __init__(self, model: nn.Module) -> None:
        self.network = copy.deepcopy(model)
        self._own, self._other = (
            [
                value
                for value in (*whose.parameters(), *whose.buffers())
                if value.is_floating_point()
            ]
            for whose in (self.network, model)
        )

    @torch.no_grad()
    def step(self, share: float | Tensor) -> None:
        """Go `share` of the way, a number or a scalar on the network's device."""
        apart = torch._foreach_sub(self._other, self._own)
        torch._foreach_mul_(apart, share)
        torch._foreach_add_(self._own, apart)


def precision(device: torch.device, wanted: str = "auto") -> torch.dtype:
    """The type of the arithmetic: `auto` is bfloat16 on a CPU with instructions for it.

    On one without them bfloat16 is emulated and slower than float32. On a GPU networks this small
    wait for their kernels to start, and casts are kernels too.
    """
    if wanted != "auto":
        return torch.bfloat16 if wanted == "bfloat16" else torch.float32
    native = device.type == "cpu" and (
        torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    )
    return torch.bfloat16 if native else torch.float32


class Fading:
    """How strong the augmentation is at every step, in `strengths`, (epochs, steps).

    In the last share `fade` of the steps it falls in a straight line from 1 to 0, where a fifth of
    them is left: a training ends on images as they are. Unless the network knows its augmented
    images by heart: if it got fewer than `above` percent of them wrong in the last whole epoch
    before, the strength stays 1, as it would only learn them still better. Where there is no whole
    epoch before, it falls.
    """

    def __init__(
        self, fade: float, above: float, epochs: int, steps: int, device: torch.device
    ) -> None:
        total = epochs * steps
        left = torch.arange(total, 0, -1, dtype=torch.float64) / (fade * total)  # of the fade
        strengths = ((left - 0.2) / 0.8).clamp(0, 1).float()
        self.strengths = strengths.to(device).view(epochs, steps)
        self._above = above
        self._judged = int((1 - fade) * epochs + 1e-9)  # 0.9 of 10 leaves a whole one
        self._epochs = 0

    def after_epoch(self, accuracy: float) -> None:
        """Take in how many of the training images were right in an epoch, in percent."""
        self._epochs += 1
        if self._epochs == self._judged and 100 - accuracy < self._above:
            self.strengths.fill_(1.0)


@torch.no_grad()
def renew_statistics(network: nn.Module, batches: Iterable[Tensor]) -> None:
    """Set batch norm's statistics to their mean over `batches` of inputs, all of a size; without
    any they stay. Leaves `network` in evaluation mode.

    What the weights' average has to be normalised by is not the average of what the weights
    themselves were normalised by (Izmailov and others, Averaging weights leads to wider optima,
    2018; Wu and Johnson, Rethinking "Batch" in BatchNorm, 2021).
    """
    kinds = (nn.BatchNorm1d, nn.BatchNorm2d)  # behind a Flatten it is the former
    norms = [module for module in network.modules() if isinstance(module, kinds)]
    momenta = [norm.momentum for norm in norms]
    network.eval()
    for norm in norms:
        norm.train()
    for number, inputs in enumerate(batches if norms else (), 1):
        for norm in norms:
            norm.momentum = 1 / number  # the first replaces what was there
        network(inputs)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        norm.eval()


def learning_rates(
    peak: float, warmup: float, cycles: Sequence[int], steps_per_epoch: int
) -> list[float]:
    """The learning rate of every step: per cycle a linear rise from a tenth of the peak, then
    half a cosine down to zero."""
    rates = []
    for epochs in cycles:
        steps = epochs * steps_per_epoch
        rise = int(warmup * steps)
        fall = steps - rise
        rates += [peak * (0.1 + 0.9 * step / rise) for step in range(rise)]
        rates += [peak * (1 + cos(pi * step / fall)) / 2 for step in range(1, fall + 1)]
    return rates


def shares(average: float, epochs: int, steps_per_epoch: int) -> list[float]:
    """How far an average over `average` epochs goes towards the weights after every step.

    At first it goes further, as there is less to remember: it never looks back over more than about
    a ninth of the steps so far.
    """
    steps = range(1, epochs * steps_per_epoch + 1)
    return [max(min(1.0, 1 / (average * steps_per_epoch)), 9 / (9 + step)) for step in steps]


def load(root: str, train: bool) -> tuple[Tensor, Tensor]:
    """Images (N, 1, H, W) as bytes and labels (N,); downloaded to `root` if they are not there."""
    import torchvision

    dataset = getattr(torchvision.datasets, DATASET)(root, train=train, download=True, **OPTIONS)
    images = dataset.data.transpose(1, 2) if TRANSPOSED else dataset.data
    return images.unsqueeze(1), dataset.targets.long()


def arranged(pixels: Tensor) -> Tensor:
    """Pixels from 0 to 1 as the network takes them."""
    return pixels.sub(MEAN).div(STD).contiguous(memory_format=torch.channels_last)


def batches(
    images: Tensor, labels: Tensor, strengths: Tensor, generator: torch.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """Whole batches of images in random order, augmented with the strength of each batch."""
    size = min(BATCH_SIZE, len(images))
    order = torch.randperm(len(images), device=images.device, generator=generator)
    strengths = strengths.repeat_interleave(size)
    several = max(1, CHUNK // size) * size
    parts = zip(order[: len(strengths)].split(several), strengths.split(several), strict=True)
    for chunk, strength in parts:
        pixels = images[chunk].float() / 255
        pixels = warp(pixels, ROTATION, SHIFT, SCALE, FLIP, generator, strength)
        inputs = arranged(pixels)
        yield from zip(inputs.split(size), labels[chunk].split(size), strict=True)


def accuracy(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Of `model` on `images`, in percent."""
    model.eval()
    correct = 0
    with torch.inference_mode(), arithmetic(images.device):
        for part, wanted in zip(images.split(1_000), labels.split(1_000), strict=True):
            correct += int((model(arranged(part.float() / 255)).argmax(1) == wanted).sum())
    return 100 * correct / len(images)


def arithmetic(device: torch.device) -> torch.autocast | nullcontext[None]:
    """The precision to compute in."""
    dtype = precision(device, PRECISION)
    return nullcontext() if dtype == torch.float32 else torch.autocast(device.type, dtype)


def train(
    images: Tensor,
    labels: Tensor,
    seed: int,
    held_out: tuple[Tensor, Tensor] | None = None,
) -> nn.Module:
    """The network, trained; with `held_out` images it is measured on them after each epoch."""
    device = images.device
    torch.manual_seed(seed)
    model = Net().to(device, memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), LR, weight_decay=WEIGHT_DECAY, fused=True)
    steps = len(images) // min(BATCH_SIZE, len(images))
    rates = iter(learning_rates(LR, WARMUP, CYCLES, steps))
    average = Average(model) if AVERAGE else None
    network = average.network if average else model
    parts = iter(shares(AVERAGE, EPOCHS, steps) if AVERAGE else ())
    fading = Fading(FADE, FADE_ABOVE, EPOCHS, steps, device)
    some = stratified_mask(labels.cpu().numpy(), min(BN_IMAGES, len(images)), SPLIT_SEED)
    clean = images[torch.from_numpy(some).to(device)]
    count = math.ceil(len(clean) / 1_000)
    generator = torch.Generator(device).manual_seed(seed)
    for epoch in range(1, EPOCHS + 1):
        model.train()
        total = torch.zeros((), device=device)
        right = torch.zeros((), dtype=torch.long, device=device)
        for inputs, wanted in batches(images, labels, fading.strengths[epoch - 1], generator):
            for group in optimizer.param_groups:
                group["lr"] = next(rates)
            with arithmetic(device):
                logits = model(inputs)
            loss = F.cross_entropy(logits.float(), wanted, label_smoothing=LABEL_SMOOTHING)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            if average:
                average.step(next(parts))
            total += loss.detach()
            right += (logits.argmax(1) == wanted).sum()
        fading.after_epoch(100 * right.item() / (steps * min(BATCH_SIZE, len(images))))
        if count:
            with arithmetic(device):
                pixels = (part.float() / 255 for part in clean.tensor_split(count))
                renew_statistics(network, map(arranged, pixels))
        line = f"epoch {epoch:2}/{EPOCHS}  training loss {total.item() / steps:.4f}"
        if held_out:
            line += f"  held-out accuracy {accuracy(network, *held_out):.2f} %"
        print(line, flush=True)
    return network


def main() -> None:
    """What `python train.py` does."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="data", help="where the data set is, or goes")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--held-out", action="store_true", help="measure as the search did")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, help="of a CPU; the search used one")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)

    images, labels = load(options.data, train=True)
    held_out = None
    if options.held_out:
        aside = torch.from_numpy(stratified_mask(labels.numpy(), HELD_OUT, SPLIT_SEED))
        held_out = images[aside].to(options.device), labels[aside].to(options.device)
        images, labels = images[~aside], labels[~aside]
    model = train(images.to(options.device), labels.to(options.device), options.seed, held_out)
    if not held_out:
        test = [part.to(options.device) for part in load(options.data, train=False)]
        print(f"test accuracy {accuracy(model, *test):.2f} %")
    torch.save(model.state_dict(), "retrained.pt")
    print("weights: retrained.pt")


if __name__ == "__main__":
    main()
