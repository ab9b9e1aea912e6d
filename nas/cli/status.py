"""`nas status`: the progress of a study."""

import shlex
import sys

from nas.cli.arguments import Study, program


def command(study: Study = None) -> None:
    """Show the progress of a study: counts by outcome, best candidate, settings."""
    from datetime import UTC, datetime

    from filelock import FileLock, Timeout

    from nas.cli.text import best, console, counts, duration
    from nas.execution.progress import Progress
    from nas.records import State
    from nas.results.view import read
    from nas.study import attributes
    from nas.study import folder as folders

    folder = folders.existing(study)
    found = read(folder)
    config, records = found.config, found.records
    if edited := attributes.edits(found.study, folder):
        print(f"nas: {attributes.edit_notice(folder, edited)}", file=sys.stderr)
    progress = Progress.of(config.trials, config.recipe.epochs, records)
    try:
        with FileLock(folder.search_lock, timeout=0):
            running = False
    except Timeout:
        running = True
    out = console()
    out.print(
        f"{folder.path}: {config.dataset_name}, at most {config.budget:,} parameters, "
        f"space {config.space}, sampler {config.sampler}, {config.recipe.epochs} epochs, "
        f"early stopping {config.early_stop}"
    )
    out.print(f"{counts(progress)} of {len(records)} draws; {best(progress)}")
    trained = [record for record in records if record.curve]
    if trained:
        seconds = sum(record.seconds for record in trained)
        epochs = sum(record.epochs for record in trained)
        out.print(f"{epochs} epochs trained in {duration(seconds)} of worker time")
    stopped = [record for record in records if record.state is State.STOPPED]
    if stopped:
        saved = sum(config.recipe.epochs - record.epochs for record in stopped)
        out.print(f"Early stopping saved {saved} epochs: {len(stopped)} stopped")
    for record in records:
        if record.state is State.RUNNING and record.started:
            since = duration((datetime.now(UTC) - record.started).total_seconds())
            out.print(f"  trial {record.number} on {record.worker}, started {since} ago")
    if running:
        out.print("A search is running.")
    elif progress.trained < config.trials:
        resume = shlex.join([program(), "search", "--study", folder.given])
        out.print(f"No search is running. To resume: {resume}", soft_wrap=True)
    else:
        out.print("The search is complete.")
