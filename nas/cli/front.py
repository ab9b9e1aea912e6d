"""`nas front`: the Pareto front of a study."""

from enum import StrEnum
from typing import Annotated

import typer

from nas.cli.arguments import Study


class Format(StrEnum):
    table = "table"
    csv = "csv"
    json = "json"


def command(
    study: Study = None,
    format: Annotated[Format, typer.Option(help="How to print it.")] = Format.table,
) -> None:
    """The Pareto front: the networks that no other beats in accuracy and parameters."""
    import json
    import sys

    from nas.cli.text import console, print_front
    from nas.records import pareto_front
    from nas.records.tables import COLUMNS, rows
    from nas.search import folder as folders
    from nas.search import storage, trials

    folder = folders.existing(study)
    front = pareto_front(trials.records(storage.load(folder.database, folder.name)))
    if format is Format.table:
        out = console()
        if not front:
            out.print(f"{folder.path} has no trained candidate yet: see `nas status`")
            return
        print_front(out, folder.path, front)
    elif format is Format.csv:
        import csv

        writer = csv.DictWriter(sys.stdout, list(COLUMNS), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows(front))
    else:
        print(json.dumps(rows(front), indent=1))
