"""The command-line app and its error handling."""

import os
import signal
import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from typer.exceptions import Abort, Exit, TyperException

from nas.cli import (
    dashboard,
    datasets,
    export,
    front,
    proxy,
    report,
    search,
    show,
    spaces,
    status,
    verify,
    worker,
)
from nas.errors import NasError

app = typer.Typer(
    name="nas",
    help="Find tiny convolutional networks: the Pareto front of accuracy against parameters.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",  # joins the lines of a docstring's paragraph
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
COMMANDS = (
    search,
    status,
    front,
    show,
    report,
    dashboard,
    verify,
    export,
    worker,
    proxy,
    spaces,
    datasets,
)
for module in COMMANDS:
    app.command(module.__name__.rpartition(".")[2])(module.command)


def _print_version(wanted: bool) -> None:
    if wanted:
        from nas.version import installed_version

        print(f"nas {installed_version()}")
        raise Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version)
    ] = False,
) -> None:
    """Options before the command."""


def run(arguments: Sequence[str]) -> int:
    """Run the command line `arguments`; returns the exit status."""
    try:
        status = app(list(arguments), prog_name="nas", standalone_mode=False)
    except Exit as request:
        return request.exit_code
    except (NasError, TyperException) as error:
        message = error.format_message() if isinstance(error, TyperException) else str(error)
        return fail(message.replace(": Value error, ", ": "))  # pydantic's prefix
    except (KeyboardInterrupt, Abort):
        print(file=sys.stderr)
        return 128 + signal.SIGINT
    except BrokenPipeError:
        # The reader closed the pipe, as in `nas front | head`. Redirect stdout, so that Python does
        # not fail again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    return status if isinstance(status, int) else 0


def fail(message: str) -> int:
    """Print a user's mistake in one line; returns the exit status for it."""
    print(f"nas: {' '.join(message.split())}", file=sys.stderr)
    return 2
