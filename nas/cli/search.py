"""`nas search`: make or resume a study."""

import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from nas.search.search import Observer, Outcome

STUDY = "Study"
TRAINING = "Candidates and training"
RUNNING = "Where and how long"


def command(
    budget: Annotated[
        int | None,
        typer.Option(
            help="Parameters a candidate may have.", show_default="8000", rich_help_panel=STUDY
        ),
    ] = None,
    trials: Annotated[
        int | None,
        typer.Option(help="Candidates to train.", show_default="200", rich_help_panel=STUDY),
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(help="See `nas datasets`.", show_default="mnist", rich_help_panel=STUDY),
    ] = None,
    study: Annotated[
        str | None,
        typer.Option(
            help="Name under ./studies, or path.",
            show_default="<dataset>-<budget>",
            rich_help_panel=STUDY,
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Of all draws.", show_default="0", rich_help_panel=STUDY)
    ] = None,
    space: Annotated[
        str | None,
        typer.Option(
            help="See `nas spaces`; or your own file, ./mine.py, which is run.",
            show_default="conv",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    sampler: Annotated[
        str | None,
        typer.Option(help="tpe, random or nsga2.", show_default="tpe", rich_help_panel=TRAINING),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(
            help="A candidate trains in all, 1 to 15.",
            show_default="15",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(
            help="auto, cpu, cuda, cuda:N or mps.", show_default="auto", rich_help_panel=RUNNING
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            help="Processes.", show_default="one a core, or one a GPU", rich_help_panel=RUNNING
        ),
    ] = None,
    max_draws: Annotated[
        int | None,
        typer.Option(
            help="Draws in all, rejected ones included.",
            show_default="20 a trial",
            rich_help_panel=RUNNING,
        ),
    ] = None,
    data_dir: Annotated[
        Path | None,
        typer.Option(
            help="Where the data set is, or goes.",
            show_default="$NAS_DATA_DIR, then the cache",
            rich_help_panel=RUNNING,
        ),
    ] = None,
) -> int:
    """Search for small, accurate networks. The same command again resumes.

    Draws candidates, rejects those over the budget before they cost anything, trains the others,
    and reports the front. Ctrl-C stops it; nothing that has finished is lost.
    """
    flags: dict[str, Any] = {
        "budget": budget,
        "trials": trials,
        "dataset": dataset,
        "seed": seed,
        "space": space,
        "sampler": sampler,
        "epochs": epochs,
        "device": device,
        "workers": workers,
        "max_draws": max_draws,
    }
    given = {name: value for name, value in flags.items() if value is not None}
    from nas.cli.text import console
    from nas.search.search import search

    out = console()
    observer, close = _terminal(out) if out.is_terminal else _plain(out)
    try:
        outcome = search(study, given, observer, data_dir)
    finally:
        close()
    _report(out, outcome)
    return 130 if outcome.interrupted else 0


def _report(out: "Console", outcome: "Outcome") -> None:
    from nas.cli.text import counts, front_table
    from nas.records import pareto_front
    from nas.search.progress import Progress

    config = outcome.folder.config()
    front = pareto_front(outcome.records)
    out.print()
    if front:
        out.print(
            f"Front of {outcome.folder.path}: accuracy on held-out training images, one run each"
        )
        out.print()
        out.print(front_table(front))
    progress = Progress.of(config.trials, config.recipe.epochs, outcome.records)
    out.print(f"{counts(progress)} of {len(outcome.records)} draws")
    if outcome.interrupted:
        out.print(f"Stopped. To resume: {shlex.join(['nas', *sys.argv[1:]])}")
    elif outcome.reason != "complete":
        out.print(f"Ended early: {outcome.reason}")
    if front:
        out.print(f"Tables: {outcome.folder.path}/trials.csv and front.csv")


def _begin_lines(folder: Any, config: Any, progress: Any) -> str:
    verb = "Resuming" if progress.counts else "New study"
    return (
        f"{verb} {folder.path}: {config.dataset}, at most {config.budget:,} parameters, "
        f"space {config.space}, {config.trials} trials of {config.recipe.epochs} epochs"
    )


def _plain(out: "Console") -> "tuple[Observer, Any]":
    """One line for every candidate that ends, and one now and then in between."""
    from nas.cli.text import best, counts, number, pace, percent
    from nas.records import REJECTED
    from nas.search.events import Ended, Ready
    from nas.search.search import Observer

    last = time.monotonic()

    def say(text: str) -> None:
        nonlocal last
        last = time.monotonic()
        print(text, flush=True)

    def on_event(worker: str, event: Any, progress: Any) -> None:
        if isinstance(event, Ready):
            say(f"{worker} on {event.device}, {event.precision}")
        if isinstance(event, Ended) and event.record.state not in REJECTED:
            record = event.record
            figures = f"{percent(record.accuracy)}, {number(record.params)} parameters"
            say(f"trial {record.number} {record.state}: {record.reason or figures}")
            say(f"  {counts(progress)}, {best(progress)}, {pace(progress)}")

    def on_tick(progress: Any) -> None:
        if time.monotonic() - last > 30:
            say(f"  {counts(progress)}, {best(progress)}, {pace(progress)}")

    def on_begin(*args: Any) -> None:
        say(_begin_lines(*args))

    del out
    return Observer(
        on_begin, on_event, on_tick, lambda text: print(text, file=sys.stderr)
    ), _nothing


def _terminal(out: "Console") -> "tuple[Observer, Any]":
    """A display that stays in place: the counts, the pace, and what each worker trains."""
    from rich.console import Group
    from rich.live import Live

    from nas.cli.text import best, counts, number, pace, percent, table
    from nas.search.search import Observer

    live = Live(console=out, refresh_per_second=4, transient=True)

    def draw(progress: Any) -> Group:
        rows = [
            (
                worker,
                str(candidate.number),
                number(candidate.params),
                f"{candidate.epochs}/{progress.epochs_each}",
                percent(candidate.accuracy),
                candidate.summary,
            )
            for worker, candidate in sorted(progress.training.items())
        ]
        columns = [
            ("worker", "left"),
            ("trial", "right"),
            ("params", "right"),
            ("epoch", "right"),
            ("accuracy", "right"),
            ("architecture", "left"),
        ]
        return Group(counts(progress), f"{best(progress)}, {pace(progress)}", table(columns, rows))

    def on_begin(*args: Any) -> None:
        out.print(_begin_lines(*args))
        live.start()

    def on_event(worker: str, event: Any, progress: Any) -> None:
        del worker, event
        live.update(draw(progress))

    def on_tick(progress: Any) -> None:
        live.update(draw(progress))

    return Observer(on_begin, on_event, on_tick, out.print), live.stop


def _nothing() -> None:
    pass
