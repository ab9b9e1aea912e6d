"""`nas worker`: join a study that another machine has started."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from nas.cli.arguments import VARIABLE, again, with_settings


@with_settings("device", "workers", "artifacts")
def command(
    study: Annotated[
        str, typer.Argument(metavar="STUDY", help="The study's name, as given to its search.")
    ],
    storage: Annotated[
        str | None,
        typer.Option(
            help="The study's storage. Default: the one in its folder's study.toml.",
            show_default=False,
            envvar=VARIABLE,
            metavar="URL",
        ),
    ] = None,
    space: Annotated[
        str | None,
        typer.Option(
            help="The study's space, if it is your own file. It is executed here, never sent.",
            show_default=False,
        ),
    ] = None,
    data_dir: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the data sets. Default: $NAS_DATA_DIR, or the user's cache.",
            show_default=False,
        ),
    ] = None,
    **flags: Any,
) -> int:
    """Join a study with this machine's devices, until it is complete or Ctrl-C.

    The settings come from the study. Any number of machines may join and leave at any time;
    unfinished candidates are trained by another one.
    """
    given = {name: v for name, v in {**flags, "space": space}.items() if v is not None}
    from nas.api import join
    from nas.cli.follow import Lines, Live
    from nas.cli.text import console, counts
    from nas.execution.progress import Progress

    out = console()
    follower = Live(out, joins=True) if out.is_terminal else Lines(joins=True)
    try:
        outcome = join(study, given, follower, data_dir, storage)
    finally:
        follower.close()
    config = outcome.config
    progress = Progress.of(config.trials, config.recipe.epochs, outcome.records)
    out.print(f"{counts(progress)} of {len(outcome.records)} draws")
    if outcome.interrupted:
        out.print(f"Left. To join again: {again(sys.argv[1:])}", soft_wrap=True)
        return 130
    out.print("The study is complete." if outcome.reason == "complete" else outcome.reason)
    return 0
