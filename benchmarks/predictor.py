"""How well the sampler's model foresees what comes out in the end, in a search that has been run.

    python benchmarks/predictor.py [STUDY] [--from 97]

Of the study's candidates, in the order of their numbers, the first 30, 50, 70, 100, 130 and 150 are
what a model learns from; the others are what it is asked about. Three models: of the error at the
first rung, of the error in the end from those alone that were trained to it, and the chain of both
that the search has (`nas/search/predictor.py`). Prints for each

- Spearman's correlation between the predicted error and that in the end, over the later candidates
  that were trained to the end and came to `--from` percent, after a parabola in the logarithm of
  parameters has been taken from both: whether it tells networks of one size from one another;
- how often, of a later candidate that was stopped at the first rung and one that was trained to the
  end and came to `--from`, both of at least 800 parameters, it puts that behind which was stopped
  (after the same parabola; 0.5 is luck): whether it knows what is bad.

Means over five seeds of the model. Writes predictor.csv beside this file. Seconds.
"""

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from math import log
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from nas.records import Record
from nas.results.opened import opened
from nas.search.early_stop import Point
from nas.search.features import features
from nas.search.folder import existing
from nas.search.predictor import Example, Numbers, Predictor

OUTPUT = Path(__file__).with_suffix(".csv")
CUTS, SEEDS, ASKED = (30, 50, 70, 100, 130, 150), 5, 10
SMALLEST = 800  # parameters, of those that are told from stopped ones


def read(study: str) -> list[Record]:
    """The candidates of `study` that have trained. It is read from a copy: opening one writes."""
    source = existing(study)
    with tempfile.TemporaryDirectory() as scratch:
        for file in (source.database, source.settings, source.space):
            (Path(scratch) / file.name).write_bytes(file.read_bytes())
        return [record for record in opened(scratch).records if record.curve]


def example(record: Record, epochs: int) -> Example:
    """What the search knows of it."""
    points = [Point(record.params or 1, epoch.accuracy or 0.0) for epoch in record.curve]
    errors = [log(point.error) for point in points]
    last = errors[-1] if len(errors) == epochs else None
    return Example(features(record.architecture), errors[0], last)


def models(known: Sequence[Example], seed: int) -> dict[str, Predictor]:
    """The three, of the `known`."""
    ended = [replace(one, first=one.last) for one in known if one.last is not None]
    return {
        "the first rung": Predictor(known, False, seed),
        "the end, of those that came to it": Predictor(ended, False, seed),
        "both in a chain": Predictor(known, True, seed),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("study", nargs="?", default="studies/mnist-8k")
    parser.add_argument("--from", type=float, default=97.0, dest="least")
    options = parser.parse_args()
    records = read(options.study)
    epochs = max(len(record.curve) for record in records)
    examples = [example(record, epochs) for record in records]
    table = [one.features for one in examples]
    sizes = np.log([record.params or 1 for record in records])
    ended = np.array([one.last is not None for one in examples])
    last = np.array([np.nan if one.last is None else one.last for one in examples])
    good = ended & (last <= np.log(100 - options.least))
    stopped = np.array([len(record.curve) == 1 for record in records])
    large = sizes >= np.log(SMALLEST)

    def apart(errors: Numbers) -> Numbers:
        """What is left of `errors` beside the size."""
        left: Numbers = errors - np.polyval(np.polyfit(sizes[good], errors[good], 2), sizes)
        return left

    rows: list[dict[str, object]] = []
    for cut in CUTS:
        later = np.arange(len(records)) >= cut
        told, judged = later & good, later & large & (stopped | good)
        actual = pd.Series(apart(last)[told])
        for seed in range(SEEDS):
            rng = np.random.default_rng(seed)
            for name, model in models(examples[:cut], seed).items():
                asked = [model.predict(table, rng) for _ in range(ASKED)]
                seen = apart(np.mean(asked, axis=0))
                rows.append(
                    {
                        **{"model": name, "learnt from": cut, "trained to the end": told.sum()},
                        "correlation": pd.Series(seen[told]).corr(actual, method="spearman"),
                        "stopped behind": roc_auc_score(stopped[judged], seen[judged]),
                    }
                )
    runs = pd.DataFrame(rows)
    means = runs.groupby(["model", "learnt from", "trained to the end"], sort=False).mean()
    means.round(3).reset_index().to_csv(OUTPUT, index=False)
    wide = means.reset_index().pivot(index="model", columns="learnt from")
    for measure in ("correlation", "stopped behind"):
        shown = pd.DataFrame(wide[measure])
        shown["mean"] = shown.mean(axis=1)
        print(f"{measure}\n{shown.round(2).to_string()}\n")
    print(wide["trained to the end"].iloc[:1].to_string())


if __name__ == "__main__":
    main()
