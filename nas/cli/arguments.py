"""Arguments that several commands share."""

from typing import Annotated

import typer

Study = Annotated[
    str | None,
    typer.Argument(
        metavar="[STUDY]",
        help="A study's name under ./studies, or its path. Default: the most recent one.",
        show_default=False,
    ),
]
