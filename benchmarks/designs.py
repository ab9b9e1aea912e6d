"""What a search in the conv space starts with: its designs of every family, size by size.

    python benchmarks/designs.py [--seeds 3] [--workers 2]

The designs of about 8,000, 4,000, 2,000, 1,000 and 500 parameters of all families
(`search_spaces.conv`), trained in one cycle with averaged weights, on the quarter of MNIST that
`benchmarks/curves.py` trains on, and measured on the 10,000 held-out images after the last epoch.
Writes designs.csv beside this file, a row a run; what is there is kept.
"""

import argparse
from pathlib import Path

import curves
import optuna
import pool
import torch

from nas.architecture import Architecture, Limits, Task
from nas.search.processes import default_workers
from nas.search.seeds import seed_of
from nas.training.fit import fit
from nas.training.tuning import arithmetic_for
from search_spaces import conv

OUTPUT = Path(__file__).with_suffix(".csv")
SIZES = (8_000, 4_000, 2_000, 1_000, 500)
FAMILIES = {"plain": conv.PLAIN, "separable": conv.SEPARABLE, "shared": conv.RECURRENT}

RECIPE = curves.RECIPES["averaged"]

Job = tuple[str, int, int]  # family, size, seed


def design(family: str, size: int) -> Architecture:
    """The family's design for a budget of `size` parameters."""
    task = Task((1, 28, 28), 10, Limits(size))
    found = conv.best_design(task, size, FAMILIES[family])
    assert found is not None
    return conv.sample(optuna.trial.FixedTrial(found[1]), task)


def train(job: Job) -> list[dict[str, object]]:
    """One run."""
    family, size, index = job
    net = design(family, size)
    seed, arithmetic = seed_of(index, net.hash), curves._arithmetic
    trained = fit(net, curves._data, RECIPE, seed, measured=(15,), arithmetic=arithmetic)
    return [
        {
            **{"family": family, "size": size, "seed": index, "params": net.params},
            **{"macs": net.macs, "accuracy": trained.accuracy},
            **{"loss": round(trained.curve[-1].loss or 0.0, 5), "architecture": net.summary()},
            "arithmetic": str(arithmetic),
        }
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=default_workers("cpu"))
    options = parser.parse_args()
    jobs = [(f, s, seed) for seed in range(options.seeds) for s in SIZES for f in FAMILIES]
    prepare = (curves._prepare, arithmetic_for(torch.device("cpu"), RECIPE))
    job = ("family", "size", "seed")
    rows = pool.train(train, jobs, job, OUTPUT, options.workers, *prepare)
    by = ["size", "family", "params", "macs", "architecture"]
    table = rows.groupby(by, sort=False)["accuracy"]
    print(table.agg(["mean", "std", "count"]).round(2).to_string())


if __name__ == "__main__":
    main()
