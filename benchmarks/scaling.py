"""What goes with fewer errors among the candidates of some studies: size, computation, SiLU.

    python benchmarks/scaling.py STUDY... [--from 3000] [--to 20000] [--least 99]

The trials.csv of each of these folders, of which those count that were trained to the end, lie
between the two sizes and have at least this accuracy on the held-out images, so that a training
that went wrong says nothing. Least squares: the logarithm of the error from the logarithms of
parameters and multiply-accumulates and from whether the activation is SiLU; with one mean for all
studies, and with one for each. Standard errors are those of independent candidates, which
descendants of one another are not, so the true ones are larger. Nothing is trained.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from nas.records import State


def candidates(studies: Sequence[Path], low: int, high: int, least: float) -> pd.DataFrame:
    """The rows of the candidates that count, with the name of their study."""
    tables = [pd.read_csv(study / "trials.csv").assign(study=study.name) for study in studies]
    every = pd.concat(tables, ignore_index=True)
    ended = every["state"] == State.TRAINED.value
    return every[ended & every["params"].between(low, high) & (every["val_accuracy"] >= least)]


def effects(rows: pd.DataFrame, means: pd.DataFrame) -> pd.DataFrame:
    """By how many percent the errors change with twice the parameters, twice the
    multiply-accumulates, and SiLU, and the standard errors; `means` is a column for each mean."""
    causes = pd.DataFrame(
        {
            "twice the parameters": np.log2(rows["params"]),
            "twice the MACs": np.log2(rows["macs"]),
            "SiLU": rows["architecture"].str.contains("SiLU").astype(float),
        }
    )
    causes = causes.loc[:, causes.nunique() > 1]  # what all have in common says nothing
    table = pd.concat([causes, means], axis=1).to_numpy(float)
    errors = np.log(100 - rows["val_accuracy"].to_numpy())
    found, _, rank, _ = np.linalg.lstsq(table, errors, rcond=None)
    if rank < table.shape[1]:
        raise SystemExit("too few candidates, or too much alike, to tell the causes apart")
    rest = errors - table @ found
    variance = rest @ rest / (len(errors) - rank)
    deviation = np.sqrt(variance * np.diag(np.linalg.inv(table.T @ table)))
    change = np.exp(found) - 1
    columns = {"errors, %": 100 * change, "standard error": 100 * deviation * (1 + change)}
    return pd.DataFrame(columns).head(len(causes.columns)).set_index(causes.columns)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("studies", nargs="+", type=Path)
    parser.add_argument("--from", type=int, default=3_000, dest="low")
    parser.add_argument("--to", type=int, default=20_000, dest="high")
    parser.add_argument("--least", type=float, default=99.0)
    given = parser.parse_args()
    rows = candidates(given.studies, given.low, given.high, given.least)
    one = pd.DataFrame({"mean": 1.0}, index=rows.index)
    print(f"{len(rows)} candidates, one mean for all")
    print(effects(rows, one).round(1).to_string())
    if len(given.studies) > 1:
        print("\na mean for each study")
        print(effects(rows, pd.get_dummies(rows["study"], dtype=float)).round(1).to_string())


if __name__ == "__main__":
    main()
