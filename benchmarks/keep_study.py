"""Copy a study as `nas search` leaves it to where it is kept, in a repository for example.

    python benchmarks/keep_study.py STUDY FOLDER [--report]

The copy is whole: all commands work on it, and the same search goes on with it. Machines are called
machine-1 and so on there instead of by their hosts' names; `model.py` of each trial, which follows
from its architecture, is left out. With `--report` its report is beside it, `report.html`. In a
FOLDER that is there already all that is not of the study (a README, an export) stays.
"""

import argparse
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from nas.records.tables import write_tables
from nas.results import report
from nas.results.opened import opened
from nas.search.folder import Folder, existing


def rename_machines(database: sqlite3.Connection) -> None:
    """Call each owner of a trial, and each machine with workers that joined, machine-N."""
    attributes = """select trim(value_json, '"') from trial_user_attributes
                    where key = ? order by trial_id"""
    owners = [owner for (owner,) in database.execute(attributes, ["owner"])]
    workers = [
        name.split("/")[0] for (name,) in database.execute(attributes, ["worker"]) if "/" in name
    ]
    for number, name in enumerate(dict.fromkeys([*owners, *workers]), 1):
        database.execute(
            "update trial_user_attributes set value_json = replace(value_json, ?, ?)",
            [name, f"machine-{number}"],
        )
    database.commit()


def copy(study: Folder, target: Folder, with_report: bool) -> None:
    """Copy all of `study`; its database as it is at this moment, in one file."""
    target.path.mkdir(parents=True, exist_ok=True)
    target.database.unlink(missing_ok=True)
    with (
        closing(sqlite3.connect(study.database)) as original,
        closing(sqlite3.connect(target.database)) as database,
    ):
        original.backup(database)
        rename_machines(database)
        database.execute("pragma journal_mode = delete")  # so that no log of it lies beside it
        database.execute("vacuum")
    for file in (study.settings, study.space):
        shutil.copy(file, target.path)
    for part, left_out in (("trials", ["model.py"]), ("artifacts", [])):
        shutil.rmtree(target.path / part, ignore_errors=True)
        ignored = shutil.ignore_patterns(*left_out)
        shutil.copytree(study.path / part, target.path / part, ignore=ignored)
    with tempfile.TemporaryDirectory() as temporary:  # what is opened has a log of its database
        scratch = Path(temporary) / target.name
        scratch.mkdir()
        for file in (target.database, target.settings, target.space):
            shutil.copy(file, scratch)
        kept = opened(str(scratch))
        write_tables(kept.records, kept.runs, target.path)
        if with_report:
            text = report.write(kept, [])
            (target.path / "report.html").write_text(text, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("study", help="its name under ./studies, or its path")
    parser.add_argument("folder", type=Path, help="where it is kept")
    parser.add_argument("--report", action="store_true", help="with its report")
    options = parser.parse_args()
    copy(existing(options.study), Folder(options.folder), options.report)


if __name__ == "__main__":
    main()
