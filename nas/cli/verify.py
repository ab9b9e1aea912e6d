"""`nas verify`: train networks again with fresh seeds, and read the test images."""

import shlex
import sys
from collections.abc import Sequence
from math import ceil
from typing import TYPE_CHECKING, Annotated

from nas.cli.arguments import DataDir, Study, again, count, option, program

if TYPE_CHECKING:
    from nas.results.plan import Plan
    from nas.results.view import StudyView


def command(
    study: Study = None,
    trial: Annotated[
        list[int] | None, count("Verify this candidate only; may be repeated.")
    ] = None,
    front: Annotated[bool, option("Verify the whole front (default).", "--front")] = False,
    min_accuracy: Annotated[
        float | None, option("Leave out candidates with a lower held-out accuracy, in percent.")
    ] = None,
    seeds: Annotated[int | None, count("Runs per candidate. Default: 5.")] = None,
    target: Annotated[
        float | None,
        option("Find the smallest network of the front with this test accuracy, in percent."),
    ] = None,
    passes: Annotated[
        int | None,
        count("Runs that must reach the target. Default: four fifths of the seeds.", "--pass"),
    ] = None,
    sustained: Annotated[
        int | None,
        count(
            "The last N epochs must all reach the target. This reads the test images after each "
            "of them instead of once."
        ),
    ] = None,
    device: Annotated[str, option("auto, cpu, cuda, cuda:N or mps.")] = "auto",
    workers: Annotated[int | None, count("Processes. Default: as in a search.")] = None,
    data_dir: DataDir = None,
) -> int:
    """Train networks again on all training images, with fresh seeds, and test them.

    Uses the study's recipe. Reports the test accuracy after the last epoch, never the best epoch:
    mean, standard deviation, minimum and number of seeds. The same command again resumes.
    """
    from nas.cli.follow import Runs
    from nas.cli.text import console
    from nas.results.verify import verify
    from nas.results.view import open_study

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
    found: "StudyView",
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
        raise ConfigError("--trial excludes --front and --min-accuracy: give one of them")
    if target is None and (passes is not None or sustained is not None):
        raise ConfigError("--pass and --sustained need a --target: give one")
    if target is not None and not 0 < target <= 100:
        raise ConfigError(f"--target {target:g}: it is in percent, above 0 and at most 100")
    runs = _at_least_one("--seeds", seeds) or 5
    needed = passes if passes is not None else ceil(0.8 * runs)
    if not 1 <= needed <= runs:
        raise ConfigError(f"--pass {needed}: choose from 1 to the number of seeds, {runs}")
    epochs = found.config.recipe.epochs
    if sustained is not None and not 1 <= sustained <= epochs:
        raise ConfigError(f"--sustained {sustained}: choose from 1 to the {epochs} epochs of a run")
    if trial:
        chosen = {number: choice.by_number(found.records, number) for number in trial}
        candidates = sorted(map(choice.trained, chosen.values()), key=lambda r: r.params or 0)
    else:
        candidates = choice.from_accuracy(found.records, min_accuracy or 0)
    last = sustained or 1
    wanted = Target(target, needed, runs, last) if target is not None else None
    return Plan(candidates, runs, last, wanted)


def _at_least_one(flag: str, value: int | None) -> int | None:
    from nas.errors import ConfigError

    if value is not None and value < 1:
        raise ConfigError(f"{flag} {value}: choose at least 1")
    return value


def _report(found: "StudyView", plan: "Plan", min_accuracy: float | None) -> int:
    """Print what was found; the exit status is 1 if no network reaches the target."""
    from nas.cli.text import console, number, percent, table
    from nas.data import DATASETS
    from nas.results.view import read

    now = read(found.folder)
    rows = []
    for record in plan.candidates:
        verified = now.verified.get(record.number)
        if verified is None:
            continue
        row = {
            "params": number(record.params),
            "test": verified.spread,
            "min": f"{verified.minimum:.2f}",
            "n": str(verified.n),
        }
        if plan.target:
            row["passed"] = str(sum(plan.target.passed(verified.runs)))
        row["held out"] = percent(record.accuracy)
        row["trial"] = str(record.number)
        row["architecture"] = record.architecture.summary()
        rows.append(row)
    out = console()
    known = DATASETS.get(found.config.dataset)  # None for the user's own
    images = f"{known.test_images:,} " if known else ""
    out.print(
        f"{found.folder.path}: percent of the {images}test images (mean ± standard deviation of n "
        f"seeds), after {found.config.recipe.epochs} epochs on all training images",
        soft_wrap=True,
    )
    out.print()
    cells = [list(row.values()) for row in rows]
    out.print(table(rows[0] if rows else (), cells, words=("architecture",)))
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
    out.print(f"To export it: {take}", soft_wrap=True)
    return 0
