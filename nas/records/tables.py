"""Records as tables: the columns of trials.csv and front.csv."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nas.files import write_whole
from nas.records.front import pareto_front
from nas.records.record import Record

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = {
    "number": "Optuna's number of the trial, from 0",
    "state": "trained, over budget, duplicate, impossible, failed, interrupted or running",
    "reason": "why it was rejected, failed or interrupted",
    "params": "trainable parameters",
    "macs": "multiply-accumulates for one image",
    "peak_ram": "peak bytes of activations in float32, input included",
    "val_accuracy": "percent, on the held-out training images after the last epoch",
    "epochs": "epochs trained",
    "seconds": "seconds trained",
    "is_pareto": "whether it stands on the front",
    "hash": "of the architecture; equal for equal networks",
    "architecture": "in one line: widths, M and A pooling, dw depthwise, gap, fc",
}


def rows(records: Sequence[Record]) -> list[dict[str, Any]]:
    """One row a record with the columns of `COLUMNS`."""
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
            "hash": record.hash,
            "architecture": record.architecture.summary() if record.architecture_json else "",
        }
        for record in records
    ]


def frame(records: Sequence[Record]) -> "pd.DataFrame":
    """The rows as a data frame; whole numbers stay whole where some are missing."""
    import pandas as pd

    whole = dict.fromkeys(("params", "macs", "peak_ram"), "Int64")
    return pd.DataFrame(rows(records), columns=list(COLUMNS)).astype(whole)


def write_tables(records: Sequence[Record], folder: Path) -> None:
    """Write trials.csv, a row a draw, and front.csv, the rows of the front by parameters."""
    table = frame(records)
    write_whole(folder / "trials.csv", table.to_csv(index=False))
    front = table[table["is_pareto"]].sort_values("params")
    write_whole(folder / "front.csv", front.to_csv(index=False))
