"""Which peak learning rate a network wants: random nets with and without batch norm.

    python benchmarks/learning_rate.py [--nets 40] [--workers 2]

The first nets of `benchmarks/curves.py`, random draws of the conv space from 200 to 20,000
parameters, trained as there: the default recipe on a quarter of MNIST's training images, accuracy
and loss on the 10,000 held-out ones after the 15th epoch, one seed. Half and twice the learning
rate that they were trained with there, 0.02, of which the figures are taken from curves.csv. Writes
learning_rate.csv beside this file, a row a run; what is there is kept. Prints the paired
differences to 0.02, for nets with and without batch norm.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import curves
import pandas as pd
import pool
import torch

from nas.architecture import Architecture, BatchNorm
from nas.search.processes import default_workers
from nas.search.seeds import seed_of
from nas.training.fit import fit
from nas.training.tuning import arithmetic_for

OUTPUT = Path(__file__).with_suffix(".csv")
BASE, OTHERS = 0.02, (0.04, 0.01)
LEARNED = 50.0  # percent; below it a net has hardly learned anything

Job = tuple[int, float]  # net, learning rate


def train(job: Job) -> list[dict[str, object]]:
    """One run."""
    number, lr = job
    net = curves._nets[number]
    recipe = replace(curves.RECIPES["averaged"], lr=lr)
    seed, arithmetic = seed_of(0, net.hash), curves._arithmetic
    trained = fit(net, curves._data, recipe, seed, measured=(15,), arithmetic=arithmetic)
    return [
        {
            **{"net": number, "lr": lr, "accuracy": trained.accuracy},
            **{"loss": round(trained.curve[-1].loss or 0.0, 5), "arithmetic": str(arithmetic)},
        }
    ]


def table(runs: pd.DataFrame) -> pd.DataFrame:
    """Paired differences to the base: points of accuracy and percent of loss, with their errors.

    Means and medians are over nets that have learned the task under at least one rate.
    """
    accuracy, loss = (runs.pivot(index="net", columns="lr", values=v) for v in ("accuracy", "loss"))
    kept = (accuracy.max(axis=1) > LEARNED) & accuracy.notna().all(axis=1)
    normed = runs.groupby("net")["batch norm"].first()
    rows = []
    for norm in (True, False):
        own = accuracy.index[kept & (normed == norm)]
        for lr in OTHERS:
            gain = accuracy.loc[own, lr] - accuracy.loc[own, BASE]
            lost = 100 * (loss.loc[own, lr] / loss.loc[own, BASE] - 1)
            rows.append(
                {
                    **{"batch norm": norm, "lr": lr, "n": len(own), "gain": gain.mean()},
                    **{"its se": gain.sem(), "median gain": gain.median()},
                    **{"better": int((gain > 0).sum()), "worse": int((gain < 0).sum())},
                    **{"median loss, %": lost.median(), "lower loss": int((lost < 0).sum())},
                    "not learned": int((accuracy.loc[own, lr] <= LEARNED).sum()),
                    f"not learned at {BASE}": int((accuracy.loc[own, BASE] <= LEARNED).sum()),
                }
            )
    return pd.DataFrame(rows).round(2)


def _with_base(runs: pd.DataFrame) -> pd.DataFrame:
    """The runs, with those at the base's rate; whether each net has batch norm."""
    there = pd.read_csv(curves.CURVES)
    last = there[(there["schedule"] == "averaged") & (there["seed"] == 0) & (there["epoch"] == 15)]
    runs = pd.concat([runs, last[last["net"].isin(runs["net"])].assign(lr=BASE)])
    texts = pd.read_csv(curves.NETS).set_index("net")["json"]
    nets = {n: Architecture.from_json(texts[n]) for n in runs["net"].unique()}
    normed = {n: any(isinstance(layer, BatchNorm) for layer in nets[n].layers) for n in nets}
    return runs.assign(**{"batch norm": runs["net"].map(normed)})


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--nets", type=int, default=40)
    parser.add_argument("--workers", type=int, default=default_workers("cpu"))
    options = parser.parse_args()
    jobs = [(net, lr) for net in range(options.nets) for lr in OTHERS]
    prepare = (curves._prepare, arithmetic_for(torch.device("cpu"), curves.RECIPES["averaged"]))
    rows = pool.train(train, jobs, ("net", "lr"), OUTPUT, options.workers, *prepare)
    print(table(_with_base(rows)).to_string(index=False))


if __name__ == "__main__":
    main()
