"""Run a search: start the workers, follow them, replace the dead, and leave the study whole."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna

from nas.data import ensure
from nas.records import Record, Run
from nas.records.tables import write_tables
from nas.search import folder as folders
from nas.search import processes, storage, trials, warm_start
from nas.search.folder import Folder
from nas.search.progress import Progress
from nas.search.stop import sigterm_as_interrupt
from nas.search.team import Observer, Team, give_back_all


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a search ended."""

    folder: Folder
    records: list[Record]
    runs: list[Run]  # of `nas verify`, if there are any
    reason: str  # "complete", or what kept it from that
    interrupted: bool = False


def search(
    study: str | None,
    flags: Mapping[str, Any],
    observer: Observer,
    data_dir: Path | None = None,
    start_from: str | None = None,
) -> Outcome:
    """Make or resume the study called `study` and work until it has its trials.

    `flags` are the settings that the user gave; `start_from` is a study or a file whose
    architectures are tried first. Raises `NasError` for what the user can mend; the
    study is whole then, and the same call goes on with it.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    context = processes.context()
    folder, config, space = folders.prepare(study, flags)
    first = warm_start.known(start_from) if start_from else []
    warm_start.check(first, config.task)
    ensure(config.data, data_dir)
    from nas.training import device as devices
    from nas.training.tuning import arithmetic_for

    device = devices.resolve(config.device)
    arithmetic = arithmetic_for(device, config.recipe)
    folders.write(folder, config, space, {"device": f"{devices.describe(device)}, {arithmetic}"})
    with folder.held(folder.search_lock, "searched"):
        optuna_study = storage.create(folder.database, folder.name)
        warm_start.enqueue(optuna_study, first, space, config.task)
        for params in space.start(config.task):
            optuna_study.enqueue_trial(dict(params), skip_if_exists=True)
        give_back_all(optuna_study, "its search ended without it")
        records = trials.records(optuna_study)
        progress = Progress.of(config.trials, config.recipe.epochs, records)
        observer.begin(folder, config, progress)
        team = Team(
            context,
            folder,
            config,
            str(device),
            arithmetic,
            data_dir,
            optuna_study,
            progress,
            observer,
        )
        interrupted = False
        try:
            with sigterm_as_interrupt():
                reason = team.run()
        except KeyboardInterrupt:
            reason, interrupted = "stopped", True
        finally:
            team.end()
            records = trials.records(optuna_study)
            runs = trials.runs(optuna_study)
            write_tables(records, runs, folder.path)
    return Outcome(folder, records, runs, reason, interrupted)
