"""How much accuracy a search loses because it trains every candidate once.

    python benchmarks/luck.py STUDY [--from 5000] [--to 20000] [--least 99] [--top 8]

Of a study's candidates in this range of parameters that were trained to the end, the held-out
accuracies spread around what their sizes make one expect by luck and by what they are worth. How
much is luck, the spread over seeds in its verify.csv says; the rest is taken for worth, both as
normal and independent, whatever the size. Studies with these two spreads are drawn at random,
and the best network chosen: by one run each, by the mean of more runs of those with the best
first runs, or of all. What it is worth above the mean of all is the gain, in points. Luck that all
seeds of a network share, because the held-out images suit it, counts as worth here, so that the
gains of more runs are rather too large. Nothing is trained.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from nas.records import State

STUDIES = 20_000  # drawn


def spreads(study: Path, low: int, high: int, least: float) -> tuple[int, float, int, float]:
    """How many candidates count and the standard deviation of their accuracies around a parabola
    of the error's logarithm in that of the size; how many networks were verified with at least
    two seeds, and the pooled standard deviation over seeds; both in points."""
    rows = pd.read_csv(study / "trials.csv")
    ended = rows["state"] == State.TRAINED.value
    rows = rows[ended & rows["params"].between(low, high) & (rows["val_accuracy"] >= least)]
    size, error = np.log(rows["params"].to_numpy()), np.log(100 - rows["val_accuracy"].to_numpy())
    rest = error - np.polyval(np.polyfit(size, error, 2), size)
    around = np.sqrt(rest @ rest / (len(rest) - 3)) * np.mean(100 - rows["val_accuracy"])

    runs = pd.read_csv(study / "verify.csv").query("@low <= params <= @high")
    runs = runs.groupby("number")["test_accuracy"].agg(["var", "count"]).query("count > 1")
    of_each = np.average(runs["var"], weights=runs["count"] - 1)
    return len(rows), float(around), len(runs), float(np.sqrt(of_each))


def gains(candidates: int, worth: float, luck: float, top: int) -> pd.DataFrame:
    """What the chosen network is worth above the mean of all, for each way of choosing."""
    random = np.random.default_rng(0)
    true = random.normal(0, worth, (STUDIES, candidates))
    runs = true + random.normal(0, luck, (5, STUDIES, candidates))
    order = np.argsort(-runs[0], axis=1)
    rows = []
    for name, count, among in [
        ("one run each", 1, candidates),
        (f"2 runs of the best {top}", 2, top),
        (f"5 runs of the best {top}", 5, top),
        ("2 runs of all", 2, candidates),
        ("5 runs of all", 5, candidates),
    ]:
        scores = runs[:count].mean(axis=0)
        np.put_along_axis(scores, order[:, among:], -np.inf, axis=1)
        chosen = np.take_along_axis(true, scores.argmax(axis=1)[:, None], axis=1)
        rows.append((name, (count - 1) * among, chosen.mean()))
    rows.append(("no luck", 0, true.max(axis=1).mean()))
    return pd.DataFrame(rows, columns=["chosen by", "further runs", "gain, points"]).round(3)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("study", type=Path)
    parser.add_argument("--from", type=int, default=5_000, dest="low")
    parser.add_argument("--to", type=int, default=20_000, dest="high")
    parser.add_argument("--least", type=float, default=99.0)
    parser.add_argument("--top", type=int, default=8)
    given = parser.parse_args()
    candidates, around, networks, luck = spreads(given.study, given.low, given.high, given.least)
    print(f"{candidates} candidates, {around:.3f} points around the expected (standard deviation)")
    print(f"{luck:.3f} points over the seeds of one network ({networks} networks)")
    if around <= luck:
        raise SystemExit("no more than luck: nothing tells these candidates apart")
    worth = float(np.sqrt(around**2 - luck**2))
    print(f"so {worth:.3f} points between networks\n")
    print(gains(candidates, worth, luck, min(given.top, candidates)).to_string(index=False))


if __name__ == "__main__":
    main()
