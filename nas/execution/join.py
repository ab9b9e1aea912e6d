"""Work for a study with this machine's workers: what `search` and `join` have in common."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import optuna

from nas.errors import StudyError
from nas.execution import owners, processes
from nas.execution.observer import Observer
from nas.execution.supervision import Supervision
from nas.execution.team import Team
from nas.execution.worker import Work
from nas.records import Record, Run, trials
from nas.records.tables import write_tables
from nas.storage import retry, studies
from nas.study import artifacts, attributes, setup
from nas.study import config as configuration
from nas.study import folder as folders
from nas.study.config import StudyConfig
from nas.study.folder import Folder


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a search ended."""

    folder: Folder
    records: list[Record]
    runs: list[Run]  # of `nas verify`, if there are any
    reason: str  # "complete", or what kept it from that
    interrupted: bool = False


def join(
    study: str,
    flags: Mapping[str, Any],
    observer: Observer,
    data_dir: Path | None = None,
    url: str | None = None,
) -> Outcome:
    """Work for the study called `study`, which a search has made, with this machine's devices.

    All settings are the study's own but those of a machine: `flags` may have `device`, `workers`,
    `artifacts`, and `space` for the file of a space that is the user's. Raises `NasError` as
    `nas.api.search` does, and where there is no such study.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    context = processes.context(None)
    folder = folders.placed(study, {}, url)
    optuna_study = studies.load(folder.location)
    waiting = studies.patient(optuna_study, observer.warn)
    own = own_settings(folder, waiting)
    if own is None:
        raise StudyError(f"study {folder.name} has no settings yet: `nas search` has to make it")
    of_machine = {name: value for name, value in flags.items() if name != "space"}
    config, space = setup.prepare(folder, of_machine, own, flags.get("space"))
    attributes.check_space(waiting, space)
    config = with_artifacts(folder, config, waiting, new=False).located(data_dir)
    here = processes.this_machine(context, config.device, config.recipe)
    folder.make()
    with owners.signed_on(folder) as owner:
        if not folder.settings.is_file():
            setup.write(folder, config, space, here)
        host = f"{socket.gethostname()}-{os.getpid()}"
        work = Work(folder, config, owner, here, data_dir, host)
        supervision = Supervision(optuna_study, folder, config, owner, observer)
        return run(Team(context, work, supervision), supervision, tables=False)


class Workers(Protocol):
    """The workers of a search: on this machine, or on a cluster."""

    def run(self) -> str:
        """Work until all are done; returns why the search ended."""

    def end(self) -> None:
        """End those that still run, and give back what they were training."""


def run(workers: Workers, supervision: Supervision, tables: bool) -> Outcome:
    """Have `workers` work; at the end write the study's tables if `tables`, however it ended."""
    interrupted = False
    with supervision.interrupts.raised():
        try:
            reason = workers.run()
        except KeyboardInterrupt:
            reason, interrupted = "stopped", True
        finally:
            workers.end()
            patiently = retry.retrying(supervision.patient)
            records, runs = (
                patiently(trials.records, supervision.study),
                patiently(trials.runs, supervision.study),
            )
            if tables:
                write_tables(records, runs, supervision.folder.path)
    return Outcome(supervision.folder, records, runs, reason, interrupted)


def own_settings(folder: Folder, study: optuna.Study) -> Mapping[str, Any] | None:
    """The settings of a study that exists; None if its making was broken off before it had any.

    Raises `StudyError` for a study that is not ours.
    """
    found = attributes.settings(study) if folder.url is None else attributes.awaited(study)
    if found is not None:
        return found
    if folder.url is None and folder.settings.is_file():  # as an earlier version of nas left it
        return configuration.read(folder.settings)
    if study.get_trials(deepcopy=False):
        raise StudyError(
            f"study {folder.name} has trials and no settings, neither in its storage nor in "
            f"{folder.settings}: put that file back, or choose another --study"
        )
    return None


def with_artifacts(
    folder: Folder, config: StudyConfig, study: optuna.Study, new: bool
) -> StudyConfig:
    """`config` with the place that files go to, where that is not simply the study's folder.

    It is marked for a `new` study; else this machine has to reach it: raises `StudyError`.
    """
    place = config.artifacts
    if place is None and folder.url is None:
        return config
    place = place or str(folder.path.resolve() / "artifacts")
    identity = attributes.identify(study)
    if new:
        artifacts.mark(place, identity)
    elif not artifacts.reachable(place, identity):
        raise StudyError(
            f"the weights of study {folder.name} go to {place}, which this machine does not reach: "
            "mount that folder here, and name it with --artifacts if it is elsewhere"
        )
    return replace(config, artifacts=place)
