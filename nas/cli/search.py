"""`nas search`: make or resume a study."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nas.cli.arguments import VARIABLE, again, program, whole

if TYPE_CHECKING:
    from rich.console import Console

    from nas.api import Outcome


def _option(panel: str, text: str, default: str, number: bool = False) -> Any:
    """An option that is None where the user gives none, so that a study.toml can fill it in."""
    return typer.Option(
        help=f"{text} Default: {default}.",
        show_default=False,
        rich_help_panel=panel,
        parser=whole if number else None,
        metavar="N" if number else None,
    )


STUDY, TRAINING, RUNNING = "Study", "Candidates and training", "Where and how long"
Budget = _option(STUDY, "Parameters a candidate may have.", "8000", number=True)
Trials = _option(STUDY, "Candidates to train.", "200", number=True)
Dataset = _option(STUDY, "See `nas datasets`; or ./mine, a folder of arrays.", "mnist")
Study = _option(STUDY, "Its name under ./studies, or its path.", "`<dataset>-<budget>`")
Seed = _option(STUDY, "Of everything that is drawn.", "0", number=True)
Space = _option(TRAINING, "See `nas spaces`; or ./mine.py, which is run.", "conv")
Sampler = _option(TRAINING, "evolution, tpe, random or nsga2.", "evolution")
EarlyStop = _option(TRAINING, "front, neighbours, asha, mo-asha or none.", "front")
MinParams = _option(TRAINING, "Smaller candidates are not trained.", "any size", number=True)
MinAccuracy = _option(TRAINING, "Percent; what cannot come to it is stopped.", "none")
StartFrom = _option(TRAINING, "A study, or a network's .json, to try first.", "none")
Epochs = _option(TRAINING, "How many a candidate trains, 1 to 15.", "15", number=True)
Device = _option(RUNNING, "auto, cpu, cuda, cuda:N or mps.", "auto")
Workers = _option(
    RUNNING, "Processes.", "one a CPU core; three a GPU, 12 with NVIDIA's MPS", number=True
)
MaxDraws = _option(RUNNING, "Draws in all, rejected ones included.", "20 a trial", number=True)
Storage = typer.Option(
    help="Where the study is kept: PostgreSQL, MySQL, Redis, a journal file or a proxy, for many "
    "machines. Default: in its folder.",
    show_default=False,
    envvar=VARIABLE,
    metavar="URL",
    rich_help_panel=RUNNING,
)
Ray = _option(RUNNING, "Have the workers on a Ray cluster: its address, auto or local.", "no")
Artifacts = _option(RUNNING, "Where files go that all machines reach.", "in the study's folder")
DataDir = _option(RUNNING, "Where the data is, or goes.", "$NAS_DATA_DIR, or the user's cache")


def command(
    budget: Annotated[int | None, Budget] = None,
    trials: Annotated[int | None, Trials] = None,
    dataset: Annotated[str | None, Dataset] = None,
    study: Annotated[str | None, Study] = None,
    seed: Annotated[int | None, Seed] = None,
    space: Annotated[str | None, Space] = None,
    sampler: Annotated[str | None, Sampler] = None,
    epochs: Annotated[int | None, Epochs] = None,
    early_stop: Annotated[str | None, EarlyStop] = None,
    min_params: Annotated[int | None, MinParams] = None,
    min_accuracy: Annotated[float | None, MinAccuracy] = None,
    start_from: Annotated[str | None, StartFrom] = None,
    device: Annotated[str | None, Device] = None,
    workers: Annotated[int | None, Workers] = None,
    max_draws: Annotated[int | None, MaxDraws] = None,
    storage: Annotated[str | None, Storage] = None,
    artifacts: Annotated[str | None, Artifacts] = None,
    ray: Annotated[str | None, Ray] = None,
    data_dir: Annotated[Path | None, DataDir] = None,
) -> int:
    """Search for small, accurate networks. The same command again resumes.

    Draws candidates, rejects those over the budget before they cost anything, trains the others,
    and prints the front. Ctrl-C stops it; nothing that has finished is lost.
    """
    flags: dict[str, Any] = {
        "budget": budget,
        "trials": trials,
        "dataset": dataset,
        "seed": seed,
        "space": space,
        "sampler": sampler,
        "epochs": epochs,
        "early_stop": early_stop,
        "min_params": min_params,
        "min_accuracy": min_accuracy,
        "device": device,
        "workers": workers,
        "max_draws": max_draws,
        "artifacts": artifacts,
    }
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

    config = outcome.folder.config()
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
            # Without a study these take the most recent one under ./studies.
            study = "" if given == outcome.folder.name else f" {shlex.quote(given)}"
            names = ("report", "dashboard", "verify", "export")
            commands = [f"{shlex.quote(program())} {name}{study}" for name in names]
            out.print(f"Next: {', '.join(commands)}", soft_wrap=True)
