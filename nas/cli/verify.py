"""`nas verify`: train networks again with fresh seeds, and read the test images."""

import shlex
import sys
from collections.abc import Sequence
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nas.cli.arguments import Study, again, program, whole

if TYPE_CHECKING:
    from nas.results.opened import Opened
    from nas.results.plan import Plan


def _number(text: str) -> Any:
    return typer.Option(help=text, show_default=False, parser=whole, metavar="N")


def command(
    study: Study = None,
    trial: Annotated[
        list[int] | None, _number("Verify this candidate alone; may be given several times.")
    ] = None,
    front: Annotated[
        bool, typer.Option("--front", help="Verify all of the front. This is the default.")
    ] = False,
    min_accuracy: Annotated[
        float | None,
        typer.Option(
            help="Leave out what has less on the held-out images, in percent.",
            show_default=False,
        ),
    ] = None,
    seeds: Annotated[int | None, _number("Runs a candidate. Default: 5.")] = None,
    target: Annotated[
        float | None,
        typer.Option(
            help="Find the smallest network of the front that reaches this accuracy, in percent.",
            show_default=False,
        ),
    ] = None,
    passes: Annotated[
        int | None,
        typer.Option(
            "--pass",
            help="Runs that have to reach the target. Default: four fifths of the seeds.",
            show_default=False,
            parser=whole,
            metavar="N",
        ),
    ] = None,
    sustained: Annotated[
        int | None,
        _number(
            "Ask the target of each of the last N epochs. This reads the test images after each "
            "of them, and not once."
        ),
    ] = None,
    device: Annotated[
        str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.", show_default=False)
    ] = "auto",
    workers: Annotated[int | None, _number("Processes. Default: as in a search.")] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Where the data is.", show_default=False)
    ] = None,
) -> int:
    """Train networks again, on all training images, and read the test images.

    Each with fresh seeds, and by the study's own recipe. Reported is the accuracy after the last
    epoch, never the best one: mean, standard deviation, minimum and number of seeds. The same
    command again resumes.
    """
    from nas.cli.follow import Runs
    from nas.cli.text import console
    from nas.results.opened import opened as open_study
    from nas.results.verify import verify

    found = open_study(study)
    plan = _plan(found, trial, front, min_accuracy, seeds, target, passes, sustained)
    out = console()
    follower = Runs(all_of_them=plan.target is None)
    try:
        verify(found, plan, follower, _at_least_one("--workers", workers), device, data_dir)
    except KeyboardInterrupt:
        follower.close()
        out.print(f"Stopped. To resume: {again(sys.argv[1:])}", soft_wrap=True)
        return 130
    finally:
        follower.close()
    return _report(found, plan, min_accuracy)


def _plan(
    found: "Opened",
    trial: Sequence[int] | None,
    front: bool,
    min_accuracy: float | None,
    seeds: int | None,
    target: float | None,
    passes: int | None,
    sustained: int | None,
) -> "Plan":
    from nas.errors import ConfigError
    from nas.records import Target, choice
    from nas.results.plan import Plan

    if trial and (front or min_accuracy is not None):
        raise ConfigError("--trial N or the front, --front or --min-accuracy: give one of them")
    if target is None and (passes is not None or sustained is not None):
        raise ConfigError("--pass and --sustained say how a --target is reached: give one")
    if target is not None and not 0 < target <= 100:
        raise ConfigError(f"--target {target:g}: it is in percent, above 0 and at most 100")
    count = _at_least_one("--seeds", seeds) or 5
    needed = passes if passes is not None else ceil(0.8 * count)
    if not 1 <= needed <= count:
        raise ConfigError(f"--pass {needed}: it goes from 1 to the number of seeds, {count}")
    epochs = found.config.recipe.epochs
    if sustained is not None and not 1 <= sustained <= epochs:
        raise ConfigError(
            f"--sustained {sustained}: it goes from 1 to the {epochs} epochs of a run"
        )
    if trial:
        chosen = {number: choice.by_number(found.records, number) for number in trial}
        candidates = sorted(map(choice.trained, chosen.values()), key=lambda r: r.params or 0)
    else:
        candidates = choice.from_accuracy(found.records, min_accuracy or 0)
    last = sustained or 1
    wanted = Target(target, needed, count, last) if target is not None else None
    return Plan(candidates, count, last, wanted)


def _at_least_one(flag: str, value: int | None) -> int | None:
    from nas.errors import ConfigError

    if value is not None and value < 1:
        raise ConfigError(f"{flag} {value}: it is at least 1")
    return value


def _report(found: "Opened", plan: "Plan", min_accuracy: float | None) -> int:
    """Print what was found; the exit status is 1 if no network reaches the target."""
    from nas.cli.text import console, number, percent, table
    from nas.data import DATASETS
    from nas.results import opened as studies

    now = studies.read(found.folder)
    rows = []
    for record in plan.candidates:
        verified = now.verified.get(record.number)
        if verified is None:
            continue
        passed = sum(plan.target.passed(verified.runs)) if plan.target else 0
        rows.append(
            (
                number(record.params),
                f"{verified.mean:.2f}",
                "-" if verified.std is None else f"{verified.std:.2f}",
                f"{verified.minimum:.2f}",
                str(verified.n),
                *([f"{passed}"] if plan.target else []),
                percent(record.accuracy),
                str(record.number),
                record.architecture.summary(),
            )
        )
    columns = [(name, "right") for name in ("params", "test mean", "std", "min", "n")]
    columns += [("passed", "right")] if plan.target else []
    columns += [("held out", "right"), ("trial", "right"), ("architecture", "left")]
    out = console()
    known = DATASETS.get(found.config.dataset)  # else it is the user's own
    count = f"{known.test_images:,} " if known else ""
    out.print(
        f"{found.folder.path}: percent of the {count}test images after the last of "
        f"{found.config.recipe.epochs} epochs on all training images",
        soft_wrap=True,
    )
    out.print()
    out.print(table(columns, rows))
    out.print()
    if plan.target is None:
        return 0
    target = plan.target
    asked = f"{target.accuracy:g} % in at least {target.passes} of {target.seeds} seeds"
    if target.sustained > 1:
        asked += (
            f", in each of the last {target.sustained} epochs (the test images were read after "
            "each of them)"
        )
    walked = "the front" if min_accuracy is None else f"the front from {min_accuracy:g} % held out"
    answer = plan.answer(now.runs)
    if answer is None:
        out.print(f"No network of {walked} reaches {asked}.", soft_wrap=True)
        return 1
    out.print(
        f"Trial {answer.number}, {number(answer.params)} parameters, is the smallest of {walked} "
        f"that reaches {asked}.",
        soft_wrap=True,
    )
    take = shlex.join([program(), "export", found.folder.given, "--trial", str(answer.number)])
    out.print(f"To take it away: {take}", soft_wrap=True)
    return 0
