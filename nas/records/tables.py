"""Records, runs and layers as tables: trials.csv, front.csv, verify.csv."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nas.architecture import Architecture, show
from nas.files import write_whole
from nas.records.front import pareto_front
from nas.records.record import Record
from nas.records.verification import Run, Verification, verifications

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = {
    "number": "Optuna's number of the trial, from 0",
    "state": "trained, stopped early, over budget, too small, duplicate, impossible, failed, "
    "interrupted or running",
    "reason": "why it was rejected, stopped, failed or interrupted",
    "params": "trainable parameters",
    "macs": "multiply-accumulates for one image",
    "peak_ram": "peak bytes of activations in float32, input included",
    "val_accuracy": "percent of the held-out training images, after its last epoch",
    "epochs": "epochs trained",
    "seconds": "seconds trained",
    "is_pareto": "whether it is on the front",
    "test_mean": "test accuracy in percent from `nas verify`, the mean over test_n fresh seeds",
    "test_std": "sample standard deviation over the seeds; empty for one seed",
    "test_min": "the lowest of the seeds",
    "test_n": "number of seeds; 0 if it has not been verified",
    "hash": "of the architecture",
    "architecture": "in one line, in the notation of the README",
}

LAYER_HEADINGS = ("", "layer", "output", "receptive field", "parameters", "MACs")

RUN_COLUMNS = {
    "number": "Optuna's number of the trial",
    "params": "trainable parameters",
    "index": "number of the run of this trial, from 0",
    "seed": "random seed of the run",
    "epochs": "epochs trained on the whole training set",
    "test_accuracy": "percent on the test set, after the last epoch",
    "test_loss": "mean cross-entropy on the test images, after the last epoch",
    "last_epochs": "accuracies after the last epochs; one unless --sustained asked for more",
    "seconds": "seconds trained",
    "device": "device, precision and memory layout: `cpu, bfloat16, channels last`",
}


def rows(records: Sequence[Record], runs: Iterable[Run] = ()) -> list[dict[str, Any]]:
    """One row a record, with the columns of `COLUMNS`."""
    verified = verifications(runs)
    front = {record.number for record in pareto_front(records)}
    return [
        {
            "number": record.number,
            "state": record.state.value,
            "reason": record.reason,
            "params": record.params,
            "macs": record.macs,
            "peak_ram": record.peak_ram,
            "val_accuracy": None if record.accuracy is None else round(record.accuracy, 4),
            "epochs": record.epochs,
            "seconds": round(record.seconds, 2),
            "is_pareto": record.number in front,
            **_verified(verified.get(record.number)),
            "hash": record.hash,
            "architecture": record.architecture.summary() if record.architecture_json else "",
        }
        for record in records
    ]


def _verified(found: Verification | None) -> dict[str, Any]:
    if found is None:
        return {"test_mean": None, "test_std": None, "test_min": None, "test_n": 0}
    return {
        "test_mean": round(found.mean, 4),
        "test_std": None if found.std is None else round(found.std, 4),
        "test_min": round(found.minimum, 4),
        "test_n": found.n,
    }


def frame(records: Sequence[Record], runs: Iterable[Run] = ()) -> "pd.DataFrame":
    """The rows as a data frame, whose columns of integers may have missing values."""
    import pandas as pd

    whole = dict.fromkeys(("params", "macs", "peak_ram"), "Int64")
    return pd.DataFrame(rows(records, runs), columns=list(COLUMNS)).astype(whole)


def run_rows(records: Sequence[Record], runs: Iterable[Run]) -> list[dict[str, Any]]:
    """One row a run of `nas verify`, by rising parameters, with the columns of `RUN_COLUMNS`."""
    params = {record.number: record.params for record in records}
    return [
        {
            "number": run.trial,
            "params": params.get(run.trial),
            "index": run.index,
            "seed": run.seed,
            "epochs": run.epochs,
            "test_accuracy": round(run.accuracy, 4),
            "test_loss": round(run.loss, 6),
            "last_epochs": " ".join(f"{accuracy:.2f}" for accuracy in run.accuracies),
            "seconds": round(run.seconds, 2),
            "device": run.device,
        }
        for run in sorted(runs, key=lambda run: (params.get(run.trial) or 0, run.trial, run.index))
    ]


def layer_cells(architecture: Architecture) -> list[tuple[str, ...]]:
    """One row a layer under `LAYER_HEADINGS`, as text."""
    return [
        (
            str(row.number),
            row.text,
            show(row.out_shape),
            str(row.receptive_field),
            f"{row.params:,}" if row.params else "",
            f"{row.macs:,}" if row.macs else "",
        )
        for row in architecture.table()
    ]


def write_tables(records: Sequence[Record], runs: Sequence[Run], folder: Path) -> None:
    """Write trials.csv, one row a draw; front.csv, the rows of the front by rising parameters; and,
    if anything was verified, verify.csv, one row a run."""
    import pandas as pd

    table = frame(records, runs)
    write_whole(folder / "trials.csv", table.to_csv(index=False))
    # An empty column has no type, and pandas would not take it for a mask.
    front = table[table["is_pareto"].astype(bool)].sort_values("params")
    write_whole(folder / "front.csv", front.to_csv(index=False))
    if runs:
        verified = pd.DataFrame(run_rows(records, runs), columns=list(RUN_COLUMNS))
        write_whole(folder / "verify.csv", verified.to_csv(index=False))
