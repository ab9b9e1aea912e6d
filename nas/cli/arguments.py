"""Arguments that several commands share."""

import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
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


def program() -> str:
    """What starts this program: `nas`, or the path it was started by where that is not on PATH."""
    started = Path(sys.argv[0])
    found = shutil.which("nas")
    on_path = found is not None and started.exists() and Path(found).samefile(started)
    return "nas" if started.name != "nas" or on_path else str(started)


def again(arguments: Sequence[str]) -> str:
    """The command line of these arguments, for people to repeat; passwords are left out of URLs."""
    from nas.storage.backends import redacted

    shown = [redacted(text) if "://" in text else text for text in arguments]
    return shlex.join([program(), *shown])


Study = Annotated[
    str | None,
    typer.Argument(
        metavar="STUDY",
        help="A study's name under ./studies, or its path. Default: the most recent one.",
        show_default=False,
    ),
]
