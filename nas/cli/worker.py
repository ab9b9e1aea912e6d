"""`nas worker`: work for a study that another machine has begun."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from nas.cli.arguments import VARIABLE, again, whole


def command(
    study: Annotated[
        str, typer.Argument(metavar="STUDY", help="Its name, as its search was given it.")
    ],
    storage: Annotated[
        str | None,
        typer.Option(
            help="Where the study is kept. Default: where its folder here says.",
            show_default=False,
            envvar=VARIABLE,
            metavar="URL",
        ),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(help="auto, cpu, cuda, cuda:N or mps. Default: auto.", show_default=False),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            help="Processes. Default: one a CPU core; three a GPU, 12 with NVIDIA's MPS.",
            show_default=False,
            parser=whole,
            metavar="N",
        ),
    ] = None,
    space: Annotated[
        str | None,
        typer.Option(
            help="The study's space, if it is a file of yours: it is run, and never sent.",
            show_default=False,
        ),
    ] = None,
    artifacts: Annotated[
        str | None,
        typer.Option(
            help="Where this machine has the folder that the weights go to. "
            "Default: where the search has it.",
            show_default=False,
        ),
    ] = None,
    data_dir: Annotated[
        Path | None,
        typer.Option(
            help="Where the data is, or goes. Default: $NAS_DATA_DIR, or the user's cache.",
            show_default=False,
        ),
    ] = None,
) -> int:
    """Join a study with this machine's devices, until it has its trials or Ctrl-C.

    The settings are the study's own. Any number of machines may join and leave at any time; what
    one leaves unfinished is trained by another.
    """
    flags = {"device": device, "workers": workers, "space": space, "artifacts": artifacts}
    given = {name: value for name, value in flags.items() if value is not None}
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
    config = outcome.folder.config()
    progress = Progress.of(config.trials, config.recipe.epochs, outcome.records)
    out.print(f"{counts(progress)} of {len(outcome.records)} draws")
    if outcome.interrupted:
        out.print(f"Left. To join again: {again(sys.argv[1:])}", soft_wrap=True)
        return 130
    out.print("The study has its trials." if outcome.reason == "complete" else outcome.reason)
    return 0
