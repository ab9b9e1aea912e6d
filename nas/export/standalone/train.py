"""Train the network of model.py again, as the search did.

    python train.py               train on all training images; test once, after the last epoch
    python train.py --held-out    train as the search did, without its held-out images, and measure
                                  accuracy on these after each epoch; reads no test image

The settings, with the search's random seed, are in settings.py. With the same hardware, versions,
precision, memory layout (here channels last) and number of threads (a search on a CPU uses one per
candidate), `--held-out` gives the search's weights again.
"""

import argparse
from collections.abc import Iterator
from contextlib import nullcontext

import settings
import torch
from dataset import load
from model import MEAN, STD, Net
from torch import Tensor, nn
from torch.nn import functional as F
from training.augment import warp
from training.average import Average
from training.batch_norm import bn_batches, renew_statistics
from training.depthwise import use_fast_gradients
from training.fading import Fading
from training.precision import dtype_for
from training.schedule import averaging_rates, learning_rates
from training.split import SPLIT_SEED, stratified_mask

CHUNK = 1_024  # images that are augmented at a time


def normalized(pixels: Tensor) -> Tensor:
    """Pixels (N, C, H, W) as uint8, or in 0 to 1, as inputs of the network."""
    if pixels.dtype == torch.uint8:
        pixels = pixels.float() / 255
    return pixels.sub(MEAN).div(STD).contiguous(memory_format=torch.channels_last)


def arithmetic(device: torch.device) -> torch.autocast | nullcontext[None]:
    """Context manager for the precision to compute in."""
    dtype = dtype_for(device, settings.PRECISION)
    return nullcontext() if dtype == torch.float32 else torch.autocast(device.type, dtype)


def chunks(
    images: Tensor, labels: Tensor, batch_size: int, strengths: Tensor, generator: torch.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """An epoch's inputs and labels in random order, each chunk whole batches.

    `strengths` is the augmentation strength of each batch.
    """
    order = torch.randperm(len(images), device=images.device, generator=generator)
    strengths = strengths.repeat_interleave(batch_size)
    size = max(1, CHUNK // batch_size) * batch_size
    parts = zip(order[: len(strengths)].split(size), strengths.split(size), strict=True)
    for chosen, strength in parts:
        pixels = warp(
            images[chosen].float() / 255,
            settings.ROTATION,
            settings.SHIFT,
            settings.SCALE,
            settings.FLIP,
            generator,
            strength,
        )
        yield normalized(pixels), labels[chosen]


def accuracy(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Accuracy of `network` on `images`, in percent."""
    network.eval()
    correct = 0
    with torch.inference_mode(), arithmetic(images.device):
        for part, expected in zip(images.split(1_000), labels.split(1_000), strict=True):
            correct += int((network(normalized(part)).argmax(1) == expected).sum())
    return 100 * correct / len(images)


def train(
    images: Tensor,
    labels: Tensor,
    seed: int,
    held_out: tuple[Tensor, Tensor] | None = None,
) -> nn.Module:
    """The trained network. Prints its accuracy on `held_out` images and labels after each epoch."""
    device = images.device
    torch.manual_seed(seed)
    model = Net().to(device, memory_format=torch.channels_last)
    if device.type == "cpu":
        use_fast_gradients(model)
    optimizer = torch.optim.AdamW(
        model.parameters(), settings.LR, weight_decay=settings.WEIGHT_DECAY, fused=True
    )
    epochs, batch_size = settings.EPOCHS, min(settings.BATCH_SIZE, len(images))
    steps = len(images) // batch_size
    rates = iter(learning_rates(settings.LR, settings.WARMUP, settings.CYCLES, steps))
    average = Average(model) if settings.AVERAGE else None
    network: nn.Module = average.network if average else model
    average_rates = iter(averaging_rates(settings.AVERAGE, epochs, steps) if average else ())
    fading = Fading(settings.FADE, settings.FADE_ABOVE, epochs, steps, device)
    count = min(settings.BN_IMAGES, len(images))
    mask = torch.from_numpy(stratified_mask(labels.cpu().numpy(), count, SPLIT_SEED))
    bn_images = images[mask.to(device)]
    generator = torch.Generator(device).manual_seed(seed)
    for epoch in range(1, epochs + 1):
        model.train()
        loss_sum = torch.zeros((), device=device)
        correct = torch.zeros((), dtype=torch.long, device=device)
        strengths = fading.strengths[epoch - 1]
        for chunk, chunk_labels in chunks(images, labels, batch_size, strengths, generator):
            batches = zip(chunk.split(batch_size), chunk_labels.split(batch_size), strict=True)
            for inputs, expected in batches:
                for group in optimizer.param_groups:
                    group["lr"] = next(rates)
                with arithmetic(device):
                    logits = model(inputs)
                loss = F.cross_entropy(
                    logits.float(), expected, label_smoothing=settings.LABEL_SMOOTHING
                )
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                optimizer.step()
                if average:
                    average.step(next(average_rates))
                loss_sum += loss.detach()
                correct += (logits.argmax(1) == expected).sum()
        fading.after_epoch(100 * correct.item() / (steps * batch_size))
        with arithmetic(device):
            renew_statistics(network, map(normalized, bn_batches(bn_images)))
        line = f"epoch {epoch:2}/{epochs}  training loss {loss_sum.item() / steps:.4f}"
        if held_out:
            line += f"  held-out accuracy {accuracy(network, *held_out):.2f} %"
        print(line, flush=True)
    return network


def main() -> None:
    """Run `python train.py`."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="data", help="folder of the data set")
    parser.add_argument("--seed", type=int, default=settings.SEED)
    parser.add_argument("--held-out", action="store_true", help="train and measure as the search")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, help="CPU threads; the search used one")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)

    images, labels = load(options.data, train=True)
    held_out = None
    if options.held_out:
        mask = torch.from_numpy(stratified_mask(labels.numpy(), settings.HELD_OUT, SPLIT_SEED))
        held_out = images[mask].to(options.device), labels[mask].to(options.device)
        images, labels = images[~mask], labels[~mask]
    network = train(images.to(options.device), labels.to(options.device), options.seed, held_out)
    if not held_out:
        test = [part.to(options.device) for part in load(options.data, train=False)]
        print(f"test accuracy {accuracy(network, *test):.2f} %")
    torch.save(network.state_dict(), "retrained.pt")
    print("weights: retrained.pt")


if __name__ == "__main__":
    main()
