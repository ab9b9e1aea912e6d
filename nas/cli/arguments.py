"""Arguments that several commands share."""

import shlex
from collections.abc import Sequence
from typing import Annotated

import typer


def whole(text: str) -> int:
    """The whole number that `text` is; the error names it, which typer's own does not."""
    try:
        return int(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a whole number") from None


# In the environment: the URL of a study's storage, with its password. The search has the same
# constant; to import it from there takes Optuna, and `nas --help` does not.
VARIABLE = "NAS_STORAGE"


def again(arguments: Sequence[str]) -> str:
    """The command line of these arguments, for people to repeat; passwords are left out of URLs."""
    from nas.search.backends import redacted

    shown = [redacted(text) if "://" in text else text for text in arguments]
    return shlex.join(["nas", *shown])


Study = Annotated[
    str | None,
    typer.Argument(
        metavar="STUDY",
        help="A study's name under ./studies, or its path. Default: the most recent one.",
        show_default=False,
    ),
]
