"""A data set of learning curves: what early stopping and samplers are judged on, without training.

    python benchmarks/curves.py [--phase 1 2 3 4 5 6] [--workers 2]

200 random architectures of the conv space, ten in each of 20 equal steps of the logarithm of
parameters from 200 to 20,000, none above 1 million multiply-accumulates (a random net of 8,000
parameters has 0.7 million in the median; without a cap few large nets take most of the time). Each
draw has a budget of its own, log-uniform from 300 to 20,000, because the space's widths follow the
budget; they went up to the square root of a twelfth of it when these nets were drawn, so without
curves_nets.csv others would be drawn now. They are trained on MNIST, on a stratified quarter of the
images that a search trains on, for 15 epochs, and measured after every epoch on all 10,000 held-out
images.

The schedules: "restarts", cycles of 1 + 3 + 11 epochs, which was the default once; "one-cycle",
without an average of the weights; and "averaged": the same trainings, of which the average is
measured. All have a peak learning rate of 0.02, and augmentation that does not fade. Phases, in
order: 1 all nets under restarts; 2 two more seeds for 30 of them; 3 the first 40 nets, of all
sizes, in one cycle; 4 these averaged; 5 all others averaged; 6 two more seeds averaged. Writes
curves_nets.csv (a row a net) and curves.csv (a row an epoch) beside this file. What is there is
kept: the command goes on where it was stopped.
"""

import argparse
import json
import math
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
import pool

from nas.architecture import Architecture, Limits, Task
from nas.data import dataset
from nas.data.images import Images, Split, load_split, split
from nas.errors import ArchitectureError
from nas.execution.processes import default_workers
from nas.training import Recipe
from nas.training.arithmetic import Arithmetic
from nas.training.fit import fit
from nas.training.seeds import seed_of
from nas.training.tuning import arithmetic_for
from search_spaces import conv

NETS = Path(__file__).with_name("curves_nets.csv")
CURVES = Path(__file__).with_name("curves.csv")
SMALLEST, LARGEST = 200, 20_000
STEPS, PER_STEP = 20, 10
MAX_MACS = 1_000_000
QUARTER = 12_500  # images
# The default when they were made.
FORMER: dict[str, Any] = {"lr": 0.02, "lr_without_norm": 1.0, "fade": 0.0, "bn_images": 0}

RECIPES = {
    "restarts": Recipe(**FORMER, schedule="restarts", average=0.0),
    "one-cycle": Recipe(**FORMER, average=0.0),
    "averaged": Recipe(**FORMER),
}
Job = tuple[int, str, int]  # net, schedule, seed


def draw() -> list[Architecture]:
    """The nets: the first of every step of size, then the second of every step, and so on."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    rng = random.Random(0)
    found: list[list[Architecture]] = [[] for _ in range(STEPS)]
    seen = Counter[str]()
    while any(len(step) < PER_STEP for step in found):
        budget = round(math.exp(rng.uniform(math.log(300), math.log(LARGEST))))
        limits = Limits(budget, macs=MAX_MACS)
        try:
            net = conv.sample(study.ask(), Task((1, 28, 28), 10, limits))
        except ArchitectureError:
            continue
        if not SMALLEST <= net.params < budget or net.macs > MAX_MACS or seen[net.hash]:
            continue
        place = math.log(net.params / SMALLEST) / math.log(LARGEST / SMALLEST)
        step = found[int(place * STEPS)]
        if len(step) < PER_STEP:
            seen[net.hash] += 1
            step.append(net)
    return [step[rank] for rank in range(PER_STEP) for step in found]


def describe(nets: list[Architecture]) -> pd.DataFrame:
    """A row a net."""
    return pd.DataFrame(
        {
            "net": number,
            "params": net.params,
            "macs": net.macs,
            "hash": net.hash,
            "architecture": net.summary(),
            "json": json.dumps(net.to_json(), separators=(",", ":")),
        }
        for number, net in enumerate(nets)
    )


def jobs(phases: list[int]) -> Iterator[Job]:
    """The trainings of the phases, in order; 30 nets have three seeds, spread over all sizes."""
    everyone = range(STEPS * PER_STEP)
    first, others = everyone[: 2 * STEPS], everyone[2 * STEPS :]
    several = [*range(STEPS), *range(STEPS, 2 * STEPS, 2)]
    phases_of: dict[int, tuple[str, Sequence[int], Sequence[int]]] = {
        1: ("restarts", everyone, (0,)),
        2: ("restarts", several, (1, 2)),
        3: ("one-cycle", first, (0,)),
        4: ("averaged", first, (0,)),
        5: ("averaged", others, (0,)),
        6: ("averaged", several, (1, 2)),
    }
    for phase in phases:
        schedule, nets, seeds = phases_of[phase]
        yield from ((net, schedule, seed) for seed in seeds for net in nets)


_nets: list[Architecture]
_data: Split
_arithmetic: Arithmetic


def _prepare(arithmetic: Arithmetic) -> None:
    global _nets, _data, _arithmetic
    whole = load_split(dataset("mnist"))
    # Set aside as held-out images are: an equal share of every class.
    train = Images(whole.train.pixels, whole.train.labels)
    quarter = split(train, QUARTER).held_out
    _data = Split(quarter, whole.held_out, whole.normalizer)
    _nets = [Architecture.from_json(text) for text in pd.read_csv(NETS)["json"]]
    _arithmetic = arithmetic


def _train(job: Job) -> list[dict[str, object]]:
    net, schedule, seed = job
    recipe = RECIPES[schedule]
    chosen = seed_of(seed, _nets[net].hash)
    found = fit(_nets[net], _data, recipe, chosen, arithmetic=_arithmetic)
    return [
        {
            "net": net,
            "schedule": schedule,
            "seed": seed,
            "epoch": epoch.number,
            "train_loss": round(epoch.train_loss, 5),
            "loss": round(epoch.loss or 0.0, 5),
            "accuracy": epoch.accuracy,
            "seconds": round(epoch.seconds, 2),
            "arithmetic": str(_arithmetic),
        }
        for epoch in found.curve
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--phase", type=int, nargs="+", choices=range(1, 7), default=range(1, 7))
    parser.add_argument("--workers", type=int, default=default_workers("cpu"))
    options = parser.parse_args()
    import torch

    arithmetic = arithmetic_for(torch.device("cpu"), Recipe())
    if not NETS.exists():
        describe(draw()).to_csv(NETS, index=False)
    columns = ("net", "schedule", "seed")
    wanted = list(jobs(options.phase))
    pool.train(_train, wanted, columns, CURVES, options.workers, _prepare, arithmetic)


if __name__ == "__main__":
    main()
