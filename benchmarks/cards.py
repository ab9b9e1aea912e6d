"""The hand-made nets under their own recipes, as far as their write-ups give them.

    python benchmarks/cards.py [--seeds 5] [--workers 2]

- 002: Adam, 0.003 / (1 + 0.319 epoch) as its log prints it, 20 epochs, nothing augmented. The card
  names no batch size; 128 here.
- 003-step3: rotation by up to 7 degrees, batches of 64, the learning rate a tenth after every 6
  epochs, 15 epochs. The card names neither the optimizer nor its learning rate; here it is SGD from
  0.01 with momentum 0.9. It does not say either how its net comes to 8,442 parameters: the one of
  `search_spaces/seeds.py` has no batch norm, and `003-step2`, which has it, is trained in the same
  way.

As `nas verify` does, each is trained on all 60,000 training images with fresh seeds, and the test
images are read once, after the last epoch; 002's also after its 15th, the one that its card quotes.
Writes cards.csv beside this file, a row a reading. What is there is kept.
"""

import argparse
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pool
import torch
from torch import Tensor
from torch.nn import functional as F

from nas.architecture import Limits, Task
from nas.architecture.module import build
from nas.data import dataset
from nas.data.augment import warp
from nas.data.images import load_split, load_test, load_training
from nas.search.processes import default_workers
from nas.search.seeds import seed_of
from nas.training.device import by_hardware
from nas.training.step import evaluate
from search_spaces import seeds as cards

OUTPUT = Path(__file__).with_suffix(".csv")
TASK = Task((1, 28, 28), 10, Limits(50_000))


@dataclass(frozen=True, slots=True)
class Own:
    """A write-up's way of training."""

    epochs: int
    batch: int
    rotation: float
    optimizer: Callable[[Iterable[Tensor]], torch.optim.Optimizer]
    rate: Callable[[int], float]  # in an epoch, counted from 0
    read: tuple[int, ...]  # epochs after which the test images are read


def _adam(parameters: Iterable[Tensor]) -> torch.optim.Optimizer:
    return torch.optim.Adam(parameters, fused=True)


def _sgd(parameters: Iterable[Tensor]) -> torch.optim.Optimizer:
    return torch.optim.SGD(parameters, lr=0.01, momentum=0.9, fused=True)


_003 = Own(15, 64, 7.0, _sgd, lambda epoch: 0.01 * 0.1 ** (epoch // 6), (15,))
OWN = {
    "002": Own(20, 128, 0.0, _adam, lambda epoch: 0.003 / (1 + 0.319 * epoch), (15, 20)),
    "003-step2": _003,
    "003-step3": _003,
}


def train(job: tuple[str, int]) -> list[dict[str, object]]:
    """One run; a row for every reading of the test images."""
    name, index = job
    own, device = OWN[name], torch.device("cpu")
    arithmetic = by_hardware(device, "auto")
    images, test = load_training(dataset("mnist")), load_test(dataset("mnist"))
    normalizer = load_split(dataset("mnist")).normalizer
    net = cards.net(name, TASK)
    seed = seed_of(0, "cards", net.hash, index)
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    model = build(net).to(memory_format=arithmetic.memory_format)  # type: ignore[call-overload]
    optimizer = own.optimizer(model.parameters())
    rows: list[dict[str, object]] = []
    for epoch in range(own.epochs):
        for group in optimizer.param_groups:
            group["lr"] = own.rate(epoch)
        model.train()
        for which in torch.randperm(len(images), generator=generator).split(own.batch):
            pixels = warp(images.take(which).float() / 255, own.rotation, 0, 0, 0, generator)
            with arithmetic.context(device):
                logits = model(arithmetic.arrange(normalizer(pixels)))
            loss = F.cross_entropy(logits.float(), images.labels[which])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
        if epoch + 1 in own.read:
            _, accuracy = evaluate(model, test, normalizer, arithmetic)
            row = {"net": name, "params": net.params, "seed": index, "epoch": epoch + 1}
            rows.append({**row, "test": accuracy, "arithmetic": str(arithmetic)})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=default_workers("cpu"))
    options = parser.parse_args()
    jobs = [(name, index) for index in range(options.seeds) for name in OWN]
    rows = pool.train(train, jobs, ("net", "seed"), OUTPUT, options.workers)
    table = rows.groupby(["net", "params", "epoch"])["test"]
    print(table.agg(["mean", "std", "min", "max", "count"]).round(2).to_string())


if __name__ == "__main__":
    main()
