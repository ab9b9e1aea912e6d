"""The candidates that earlier searches trained, for replays of samplers and early stopping.

    python benchmarks/recorded.py STUDY ...    # add studies, from a copy: opening one writes

recorded.csv.gz has a row for each trained candidate, those that were stopped early included: its
study, data set and budget, number, state, parameters, MACs, the architecture as JSON, and the
accuracy on the held-out images after each epoch, in percent. Most of the studies exist only here. A
study that is there already is replaced.

Their recipes differ: a replay compares candidates of one study.
"""

import argparse
import csv
import gzip
import io
import json
import shutil
import tempfile
from pathlib import Path

import pandas as pd

from nas.architecture import Architecture
from nas.records import COUNTED, Record, State
from nas.results.view import StudyView, open_study
from nas.study.folder import existing
from nas.training import MAX_EPOCHS, Epoch

RECORDED = Path(__file__).with_suffix(".csv.gz")
EPOCHS = [f"epoch_{number}" for number in range(1, MAX_EPOCHS + 1)]


def load(study: str) -> list[Record]:
    """The trained candidates of `study`, in the order of their numbers."""
    return [_record(row) for row in _rows(study)]


def budget(study: str) -> int:
    """The parameters that a candidate of `study` had at most."""
    return int(_rows(study)[0]["budget"])


def _rows(study: str) -> list[dict[str, str]]:
    with gzip.open(RECORDED, "rt", newline="") as file:
        table = list(csv.DictReader(file))
    found = [row for row in table if row["study"] == study]
    if not found:
        known = dict.fromkeys(row["study"] for row in table)
        raise SystemExit(f"{study} is not recorded: there are {', '.join(known)}")
    return found


def _record(row: dict[str, str]) -> Record:
    net = Architecture.from_json(row["architecture"])
    accuracies = [float(row[name]) for name in EPOCHS if row[name]]
    return Record(
        number=int(row["number"]),
        state=State(row["state"]),
        architecture_json=row["architecture"],
        hash=net.hash,
        params=net.params,
        macs=net.macs,
        curve=tuple(
            Epoch(number, 0.0, 0.0, 0.0, accuracy, 0.0)
            for number, accuracy in enumerate(accuracies, start=1)
        ),
    )


def rows(study: StudyView) -> pd.DataFrame:
    """A row for each trained candidate of `study`."""
    found = []
    for record in study.records:
        if record.state not in COUNTED:
            continue
        net = record.architecture
        accuracies = [epoch.accuracy for epoch in record.curve]
        found.append(
            {
                "study": study.folder.name,
                "dataset": study.config.dataset,
                "budget": study.config.budget,
                "number": record.number,
                "state": record.state.value,
                "params": net.params,
                "macs": net.macs,
                "architecture": json.dumps(net.to_json(), separators=(",", ":")),
                **dict(zip(EPOCHS, accuracies, strict=False)),
            }
        )
    return pd.DataFrame(found, columns=[*list(found[0])[:8], *EPOCHS])


def copied(name: str, scratch: Path) -> StudyView:
    """The study `name`, opened as a copy in `scratch`."""
    source = existing(name)
    folder = scratch / source.name
    folder.mkdir()
    for file in (source.database, source.settings):
        shutil.copy(file, folder)
    return open_study(str(folder))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("study", nargs="+", help="a study's name under ./studies, or its path")
    options = parser.parse_args()
    table = pd.read_csv(RECORDED) if RECORDED.exists() else pd.DataFrame(columns=["study"])
    for name in options.study:
        with tempfile.TemporaryDirectory() as scratch:
            new = rows(copied(name, Path(scratch)))
        study = new.study.iloc[0]
        print(f"{study}: {len(new)} candidates, {new[EPOCHS].count().sum()} epochs")
        table = pd.concat([table[table.study != study], new]) if len(table) else new
    table = table.sort_values(["study", "number"], kind="stable")
    text = io.StringIO()
    table.to_csv(text, index=False)
    # Without a time in its header the same rows are the same file.
    RECORDED.write_bytes(gzip.compress(text.getvalue().encode(), mtime=0))


if __name__ == "__main__":
    main()
