"""`nas front`: the Pareto front of a study."""

import json
import sys
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
    format: Annotated[Format, typer.Option(help="Output format.")] = Format.table,
) -> None:
    """The Pareto front: networks that no other beats in both accuracy and parameters."""
    from nas.cli.text import console, print_front
    from nas.records.tables import COLUMNS, rows
    from nas.results.view import open_study

    found = open_study(study)
    front = found.front
    if format is Format.table:
        out = console()
        if not front:
            out.print(f"{found.folder.path} has no trained candidate yet: see `nas status`")
            return
        print_front(out, found.folder.path, front, found.verified)
    elif format is Format.csv:
        import csv

        writer = csv.DictWriter(sys.stdout, list(COLUMNS), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows(front, found.runs))
    else:
        print(json.dumps(rows(front, found.runs), indent=1))
