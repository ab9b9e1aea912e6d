"""`nas search`: create or resume a study."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nas.cli.arguments import VARIABLE, again, program, with_settings
from nas.study.config import RUNNING, STUDY, TRAINING

if TYPE_CHECKING:
    from rich.console import Console

    from nas.api import Outcome


Study = typer.Option(
    help="The study's name under ./studies, or its path. Default: `<dataset>-<budget>`.",
    show_default=False,
    rich_help_panel=STUDY,
)
StartFrom = typer.Option(
    help="A study, or a network's .json, to try first.",
    show_default=False,
    rich_help_panel=TRAINING,
)
Storage = typer.Option(
    help="The study's storage, for many machines: PostgreSQL, MySQL, Redis, a journal file or a "
    "proxy. Default: SQLite in its folder.",
    show_default=False,
    envvar=VARIABLE,
    metavar="URL",
    rich_help_panel=RUNNING,
)
Ray = typer.Option(
    help="Run the workers on a Ray cluster: its address, auto or local.",
    show_default=False,
    rich_help_panel=RUNNING,
)
DataDir = typer.Option(
    help="Folder of the data sets. Default: $NAS_DATA_DIR, or the user's cache.",
    show_default=False,
    rich_help_panel=RUNNING,
)


@with_settings()
def command(
    study: Annotated[str | None, Study] = None,
    start_from: Annotated[str | None, StartFrom] = None,
    storage: Annotated[str | None, Storage] = None,
    ray: Annotated[str | None, Ray] = None,
    data_dir: Annotated[Path | None, DataDir] = None,
    **flags: Any,
) -> int:
    """Search for small, accurate networks. The same command again resumes.

    Draws candidates, rejects those over the budget before training, trains the others and prints
    the front. Ctrl-C stops the search; finished trials are kept.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    from nas.api import search
    from nas.cli.follow import Lines, Live
    from nas.cli.text import console

    out = console()
    follower = Live(out) if out.is_terminal else Lines()
    try:
        outcome = search(study, given, follower, data_dir, start_from, storage, ray)
    finally:
        follower.close()
    _report(out, outcome)
    return 130 if outcome.interrupted else 0


def _report(out: "Console", outcome: "Outcome") -> None:
    from nas.cli.text import counts, print_front
    from nas.execution.progress import Progress
    from nas.records import pareto_front, verifications

    config = outcome.config
    front = pareto_front(outcome.records)
    out.print()
    if front:
        print_front(out, outcome.folder.path, front, verifications(outcome.runs))
        out.print()
    progress = Progress.of(config.trials, config.recipe.epochs, outcome.records)
    out.print(f"{counts(progress)} of {len(outcome.records)} draws")
    if outcome.interrupted:
        out.print(f"Stopped. To resume: {again(sys.argv[1:])}", soft_wrap=True)
    elif outcome.reason != "complete":
        out.print(f"Ended early: {outcome.reason}")
    if front:
        out.print(f"Tables: {outcome.folder.path}/trials.csv and front.csv", soft_wrap=True)
        if not outcome.interrupted:
            given = outcome.folder.given
            # By default these commands use the most recent study under ./studies.
            study = "" if given == outcome.folder.name else f" {shlex.quote(given)}"
            names = ("report", "dashboard", "verify", "export")
            commands = [f"{shlex.quote(program())} {name}{study}" for name in names]
            out.print(f"Next: {', '.join(commands)}", soft_wrap=True)
