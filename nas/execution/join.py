"""Run this machine's workers on a study: the common part of `search` and `join`."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import optuna

from nas.errors import StudyError
from nas.execution import processes
from nas.execution.liveness import owner_lock
from nas.execution.monitor import Monitor, Observer
from nas.execution.team import Team
from nas.execution.worker import Work
from nas.records import Record, Run, trials
from nas.records.tables import write_tables
from nas.storage import retry, studies
from nas.study import artifacts, attributes, setup
from nas.study import folder as folders
from nas.study.config import StudyConfig
from nas.study.folder import Folder


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a search ended."""

    folder: Folder
    config: StudyConfig
    records: list[Record]
    runs: list[Run]  # of `nas verify`
    reason: str  # "complete", or why the search ended early
    interrupted: bool = False


def join(
    study: str,
    flags: Mapping[str, Any],
    observer: Observer,
    data_dir: Path | None = None,
    url: str | None = None,
) -> Outcome:
    """Join the existing study `study` with this machine's devices.

    Settings come from the study, except for the machine's: `flags` may have `device`, `workers`,
    `artifacts`, and `space`, the file of a user's own space. Raises `NasError` as `nas.api.search`
    does, and if there is no such study.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    context = processes.context(None)
    folder = folders.placed(study, {}, url)
    optuna_study = studies.load(folder.location)
    waiting = studies.with_retries(optuna_study, observer.warn)
    if attributes.wait_for_settings(waiting) is None:
        raise StudyError(f"study {folder.name} has no settings yet: run `nas search` first")
    machine_flags = {name: value for name, value in flags.items() if name != "space"}
    config, space = setup.prepare(folder, machine_flags, waiting, flags.get("space"))
    attributes.check_space(waiting, space)
    config = with_artifacts(folder, config, waiting, new=False).located(data_dir)
    here = processes.this_machine(context, config.device, config.recipe)
    folder.make()
    with owner_lock(folder) as owner:
        if not folder.settings.is_file():
            setup.write(folder, config, space, here)
        host = f"{socket.gethostname()}-{os.getpid()}"
        work = Work(folder, config, owner, here, data_dir, host)
        monitor = Monitor(optuna_study, folder, config, owner, observer)
        return run(Team(context, work, monitor), monitor, tables=False)


class Workers(Protocol):
    """The workers of a search: on this machine, or on a cluster."""

    def run(self) -> str:
        """Run all workers to completion; returns why the search ended."""

    def end(self) -> None:
        """Stop the running workers and requeue their candidates."""


def run(workers: Workers, monitor: Monitor, tables: bool) -> Outcome:
    """Run `workers`. If `tables`, write the study's tables at the end, also after an error."""
    interrupted = False
    with monitor.interrupts.raised():
        try:
            reason = workers.run()
        except KeyboardInterrupt:
            reason, interrupted = "stopped", True
        finally:
            workers.end()
            with_retry = retry.retrying(monitor.waiting)
            records, runs = (
                with_retry(trials.records, monitor.study),
                with_retry(trials.runs, monitor.study),
            )
            if tables:
                write_tables(records, runs, monitor.folder.path)
    return Outcome(monitor.folder, monitor.config, records, runs, reason, interrupted)


def check_ours(folder: Folder, study: optuna.Study) -> None:
    """Raise `StudyError` for a study with trials but no settings: `nas` did not create it."""
    found = (
        attributes.settings(study) if folder.url is None else attributes.wait_for_settings(study)
    )
    if found is None and study.get_trials(deepcopy=False):
        raise StudyError(
            f"study {folder.name} has trials and no settings in its storage: another program or "
            "an earlier version of nas created it: choose another --study"
        )


def with_artifacts(
    folder: Folder, config: StudyConfig, study: optuna.Study, new: bool
) -> StudyConfig:
    """`config` with the place of candidates' files, unless that is simply the study's folder.

    A `new` study claims a part of `--artifacts` for itself. Of another study this machine must
    reach the place: raises `StudyError`.
    """
    place = config.artifacts
    if place is None and folder.url is None:
        return config
    identity = attributes.identify(study)
    own = str(folder.trials.resolve())
    if not new:
        found = artifacts.find(place or own, identity)
    elif place:
        found = artifacts.claim(place, identity)
    else:
        artifacts.mark(found := own, identity)
    if found is None:
        raise StudyError(
            f"the weights of study {folder.name} go to {place or own}, which this machine does not "
            "reach: mount that folder here, and name it with --artifacts if it is elsewhere"
        )
    return replace(config, artifacts=found)
