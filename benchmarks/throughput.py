"""Candidates per hour: `nas` against the loop that the write-ups use.

    python benchmarks/throughput.py [--images 6400] [--device cpu]

One net (the conv space's plain design for 8,000 parameters), one batch size, the same strength of
augmentation, on MNIST, all in one run. Prints a table and writes throughput.csv beside this file.

- nas: as many worker processes as a search has, each training the net by `nas.training.fit`.
- plain, N loader workers: one process, torchvision's transforms on each image, a DataLoader with N
  workers, AdamW, on all cores.
- plain, tensors: the same loop on tensors that are augmented in batches.

Each is timed over one epoch of `--images` images behind a warm-up, loading of the data excluded. A
candidate is 15 epochs of 50,000 images; `x plain` is the ratio to the better plain loop with a
DataLoader.
"""

import argparse
import time
from collections.abc import Callable, Iterable
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path

import optuna
import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from nas.architecture import Architecture, Limits, Task
from nas.architecture.module import build
from nas.data import dataset
from nas.data.augment import warp
from nas.data.images import Images, Split, load_split
from nas.execution.processes import default_workers
from nas.training import Recipe
from nas.training.fit import fit
from nas.training.machine import machine
from search_spaces import conv

CANDIDATE = 15 * 50_000  # images
RECIPE = Recipe(epochs=1, precision="auto")


def net() -> Architecture:
    """The conv space's design of plain 3 x 3 convolutions, with batch norm and ReLU."""
    task = Task((1, 28, 28), 10, Limits(8_000))
    best = conv.best_design(task, task.limits.params, conv.PLAIN)
    assert best is not None
    return conv.sample(optuna.trial.FixedTrial({**best[1], "activation": "relu"}), task)


def data(images: int) -> Split:
    """MNIST with only `images` to train on, and as little as possible to measure on."""
    whole = load_split(dataset("mnist"))
    few = Images(whole.train.pixels[:images], whole.train.labels[:images])
    one = Images(whole.held_out.pixels[:1], whole.held_out.labels[:1])
    return Split(few, one, whole.normalizer)


def ours(images: int, device: str, workers: int) -> float:
    """Images per second of all workers together."""
    context = get_context("spawn")
    barrier, seconds = context.Barrier(workers), context.SimpleQueue()
    processes = [
        context.Process(target=worker, args=(images, device, barrier, seconds))
        for _ in range(workers)
    ]
    for process in processes:
        process.start()
    longest: float = max(seconds.get() for _ in processes)
    for process in processes:
        process.join()
    return workers * images / longest


def worker(images: int, device: str, barrier: Barrier, seconds: "object") -> None:
    """Train an epoch when all are ready, and put its seconds into the queue."""
    if device == "cpu":
        torch.set_num_threads(1)
    split = data(images).to(torch.device(device))
    warm = Split(
        Images(split.train.pixels[:640], split.train.labels[:640]), split.held_out, split.normalizer
    )
    fit(net(), warm, RECIPE, seed=0)
    barrier.wait()
    start = time.perf_counter()
    fit(net(), split, RECIPE, seed=0)
    seconds.put(time.perf_counter() - start)  # type: ignore[attr-defined]


class PerImage(Dataset[tuple[Tensor, int]]):
    """MNIST as torchvision's users have it: a PIL image, transformed when it is asked for."""

    def __init__(self, images: Images, mean: float, std: float) -> None:
        self._images = images
        self._to_pil = transforms.ToPILImage()
        self._transform = transforms.Compose(
            [
                transforms.RandomAffine(7, translate=(1.5 / 28, 1.5 / 28), scale=(0.95, 1.05)),
                transforms.ToTensor(),
                transforms.Normalize((mean,), (std,)),
            ]
        )

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        image = self._to_pil(self._images.pixels[index])
        return self._transform(image), int(self._images.labels[index])


def plain(
    batches: Callable[[], Iterable[tuple[Tensor, Tensor]]], images: int, device: str
) -> float:
    """Images per second of the plain loop over `batches`."""
    model = build(net()).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=RECIPE.lr)

    def epoch() -> None:
        model.train()
        for inputs, labels in batches():
            optimizer.zero_grad()
            loss = F.cross_entropy(model(inputs.to(device)), labels.to(device))
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            loss.item()  # as the write-ups do, for their progress bar

    epoch()
    start = time.perf_counter()
    epoch()
    return images / (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=6_400)
    parser.add_argument("--device", default="auto")
    options = parser.parse_args()
    here, images = machine(options.device, RECIPE), options.images
    device, workers = here.device, default_workers(here.device, here.gpus)
    split = data(images)
    per_image = PerImage(split.train, split.normalizer.mean, split.normalizer.std)
    generator = torch.Generator().manual_seed(0)

    def tensors() -> Iterable[tuple[Tensor, Tensor]]:
        for chosen in torch.randperm(images).split(RECIPE.batch_size):
            pixels = split.train.pixels[chosen].float() / 255
            strength = (RECIPE.rotation, RECIPE.shift, RECIPE.scale, RECIPE.flip)
            warped = warp(pixels, *strength, generator)
            yield split.normalizer(warped), split.train.labels[chosen]

    def loader(workers: int) -> Callable[[], Iterable[tuple[Tensor, Tensor]]]:
        return lambda: DataLoader(
            per_image, RECIPE.batch_size, shuffle=True, drop_last=True, num_workers=workers
        )

    speeds = {
        "plain, 0 loader workers": plain(loader(0), images, device),
        "plain, 2 loader workers": plain(loader(2), images, device),
        "plain, tensors": plain(tensors, images, device),
        f"nas, {workers} workers": ours(images, device, workers),
    }
    better = max(speed for name, speed in speeds.items() if "loader" in name)
    table = pd.DataFrame(
        {
            "loop": name,
            "images/s": round(speed),
            "candidates/h": round(3600 * speed / CANDIDATE, 1),
            "x plain": round(speed / better, 2),
        }
        for name, speed in speeds.items()
    )
    table.insert(1, "device", device)
    table.to_csv(Path(__file__).with_suffix(".csv"), index=False)
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
