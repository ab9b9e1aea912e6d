"""What a measurement gains by batch norm's statistics being taken anew, at every epoch.

    python benchmarks/bn_images.py [--nets NET ...] [--seeds 1] [--workers 2]

Trains nets of `recipe.py`, with SiLU, on the 50,000 MNIST images that a search trains on, by the
default recipe, and measures the average of the weights on the 10,000 held-out ones after every
epoch in three ways: with batch norm's statistics averaged on the way as the weights are, taken anew
from 1,000 of the training images as they are, and from the default number. Measuring changes
nothing in the training, so the three are of the same weights. No test image is read. Writes
bn_images.csv beside this file, a row a measurement; what is there in this machine's arithmetic is
kept. Prints the loss and the accuracy of each net after epochs 1, 4, 8 and 15.
"""

import argparse
import copy
from itertools import product
from pathlib import Path

import pool
import torch
from recipe import DESIGNS, NETS, net

from nas.architecture import BatchNorm, SiLU
from nas.architecture.module import build
from nas.data import dataset
from nas.data.images import Split, load_split
from nas.search.processes import default_workers
from nas.search.seeds import seed_of
from nas.training import Recipe
from nas.training.device import by_hardware
from nas.training.engines import Eager
from nas.training.measuring import Measuring

OUTPUT = Path(__file__).with_suffix(".csv")
SHOWN = (1, 4, 8, 15)
ANEW = (0, 1_000, Recipe().bn_images)  # images; with 0 the statistics are those averaged

Job = tuple[str, int, str]  # net, seed, arithmetic
_data: Split


def train(job: Job) -> list[dict[str, object]]:
    """One run; a row for each epoch and way."""
    which, index, _ = job
    architecture = net(which, (SiLU(),))
    recipe = Recipe(bn_images=0).of_network(architecture.has(BatchNorm))
    arithmetic = by_hardware(torch.device("cpu"), recipe.precision)
    seed = seed_of(index, which)
    torch.manual_seed(seed)
    model = build(architecture).to(memory_format=arithmetic.memory_format)  # type: ignore[call-overload]
    engine = Eager(model, _data, recipe, seed, arithmetic)
    rows: list[dict[str, object]] = []
    for epoch in range(1, recipe.epochs + 1):
        engine.train_epoch()
        for images in ANEW:
            # Of a copy: what is taken anew would be averaged on from here.
            network = copy.deepcopy(engine.network)
            loss, accuracy = Measuring(network, _data, images, arithmetic)()
            row = {"net": which, "seed": index, "arithmetic": str(arithmetic), "epoch": epoch}
            rows.append({**row, "images": images, "loss": round(loss, 5), "accuracy": accuracy})
    return rows


def _prepare() -> None:
    global _data
    _data = load_split(dataset("mnist"))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--nets", nargs="+", choices=(*NETS, *DESIGNS), default=("4k", "design-1858", "design-3514")
    )
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--workers", type=int, default=default_workers("cpu"))
    options = parser.parse_args()
    here = str(by_hardware(torch.device("cpu"), Recipe().precision))
    jobs = [(which, seed, here) for seed, which in product(range(options.seeds), options.nets)]
    rows = pool.train(train, jobs, ("net", "seed", "arithmetic"), OUTPUT, options.workers, _prepare)
    shown = rows[rows["epoch"].isin(SHOWN)]
    table = shown.pivot_table(["loss", "accuracy"], ["net", "seed", "epoch"], "images", sort=False)
    print(table.to_string())


if __name__ == "__main__":
    main()
