"""`nas report`: the study as one HTML file."""

from pathlib import Path
from typing import Annotated

import typer

from nas.cli.arguments import Study


def command(
    study: Study = None,
    compare: Annotated[
        list[str] | None,
        typer.Option(
            help="Draw this study's front as well; may be given again.",
            metavar="STUDY",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="The file to write. Default: report.html in the study's folder.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Write the study as one HTML file that works offline, and its tables as CSV."""
    from nas.cli.text import console
    from nas.errors import StudyError
    from nas.files import write_whole
    from nas.records.tables import write_tables
    from nas.results import report
    from nas.results.opened import opened

    found = opened(study)
    text = report.write(found, [opened(name) for name in compare or ()])
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
