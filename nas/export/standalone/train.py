"""Trains the network of model.py again, as its search did.

    python train.py               on all training images; reads the test images once, at the end
    python train.py --held-out    as in the search: on the images that it trained on, measured
                                  after each epoch on those that it held out; no test image is read

The seed below is the search's own. With the same hardware, versions, precision, memory layout
(here channels last) and number of threads (a search uses one a candidate on a CPU), `--held-out`
gives the search's network again.
"""

import argparse
import math
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import torch
from model import MEAN, STD, Net
from torch import Tensor, nn
from torch.nn import functional as F

from nas.data.augment import warp
from nas.data.images import stratified_mask
from nas.training.average import Average
from nas.training.depthwise import quicken
from nas.training.device import precision
from nas.training.fading import Fading
from nas.training.measuring import renew_statistics
from nas.training.recipe import learning_rates, shares

DATASET = "MNIST"  # in torchvision.datasets
OPTIONS: dict[str, Any] = {}
TRANSPOSED = False  # whether it stores rows and columns swapped
EPOCHS = 15
CYCLES = (15,)  # epochs of each learning-rate cycle
BATCH_SIZE = 64
LR = 0.04  # AdamW's peak learning rate
WEIGHT_DECAY = 1e-4
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
SEED = 0
HELD_OUT = 10_000  # training images that the search measured on
SPLIT_SEED = 0
CHUNK = 1_024  # images that are augmented at once


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
    if device.type == "cpu":
        quicken(model)
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
