"""`nas report`: the study as an HTML file."""

from pathlib import Path
from typing import Annotated

import typer

from nas.cli.arguments import Study, option


def command(
    study: Study = None,
    compare: Annotated[
        list[str] | None,
        typer.Option(
            help="Another study whose front to draw; may be repeated.",
            metavar="STUDY",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        option("File to write. Default: report.html in the study's folder.", "--output", "-o"),
    ] = None,
) -> None:
    """Write the study as an HTML file that works offline, and its tables as CSV."""
    from nas.cli.text import console
    from nas.errors import StudyError
    from nas.files import write_whole
    from nas.records.tables import write_tables
    from nas.results import report
    from nas.results.view import open_study

    found = open_study(study)
    text = report.write(found, [open_study(name) for name in compare or ()])
    path = output or found.folder.path / "report.html"
    try:
        write_whole(path, text)
        write_tables(found.records, found.runs, found.folder.path)
    except OSError as error:
        raise StudyError(
            f"{path} cannot be written ({error.strerror}): choose another -o"
        ) from None
    out = console()
    for sentence in report.summary(found):
        out.print(sentence, soft_wrap=True)
    out.print(f"Report: {path}", soft_wrap=True)
