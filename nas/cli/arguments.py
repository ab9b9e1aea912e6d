"""Arguments that several commands share."""

from typing import Annotated

import typer


def whole(text: str) -> int:
    """The whole number that `text` is; the error names it, which typer's own does not."""
    try:
        return int(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a whole number") from None


Study = Annotated[
    str | None,
    typer.Argument(
        metavar="STUDY",
        help="A study's name under ./studies, or its path. Default: the most recent one.",
        show_default=False,
    ),
]
