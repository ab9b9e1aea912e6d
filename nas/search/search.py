"""Run a search: start the workers, follow them, replace the dead, and leave the study whole."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import optuna
from optuna.exceptions import DuplicatedStudyError

from nas.errors import StudyError
from nas.records import Record, Run
from nas.records.tables import write_tables
from nas.search import artifacts, owners, patience, processes, shared, storage, trials, warm_start
from nas.search import config as configuration
from nas.search import folder as folders
from nas.search.cluster import Cluster, connected
from nas.search.config import StudyConfig
from nas.search.folder import Folder
from nas.search.observer import Observer
from nas.search.space import Space
from nas.search.supervision import Supervision
from nas.search.team import Team
from nas.search.worker import Work


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
    url: str | None = None,
    ray: str | None = None,
) -> Outcome:
    """Make or resume the study called `study` and work until it has its trials.

    `flags` are the settings that the user gave; `start_from` is a study or a file whose
    architectures are tried first; `url` is the storage that the study is kept in, if not in its
    folder; `ray` is the address of a Ray cluster that has the workers. Raises `NasError` for what
    the user can mend; the study is whole then, and the same call goes on with it.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    context = processes.context(flags.get("dataset")) if ray is None else None
    folder = folders.placed(study, flags, url)
    config, _, _ = _prepare(folder, flags)
    on_ray = connected(ray, folder) if ray is not None else None
    first = warm_start.known(start_from) if start_from else []
    config = config.located(data_dir)
    warm_start.check(first, config.task)
    here = processes.this_machine(context, config.device, config.recipe) if context else None
    folder.make()
    with folder.held(folder.search_lock, "searched"), owners.signed_on(folder) as owner:
        # Again, now that no other search in this folder can come in between.
        config, space, optuna_study = _prepare(folder, flags)
        if optuna_study is None:
            try:
                optuna_study = storage.create(folder)
            except DuplicatedStudyError:  # another machine was quicker: its settings are the law
                config, space, optuna_study = _prepare(folder, flags)
                assert optuna_study is not None
        config = config.located(data_dir)
        waiting = storage.patient(optuna_study, observer.warn)
        new = shared.settings(waiting) is None
        config = _with_artifacts(folder, config, waiting, new)
        folders.write(folder, config, space, here)
        shared.publish(waiting, config, space)
        warm_start.enqueue(waiting, first, space, config.task)
        for params in space.start(config.task):
            waiting.enqueue_trial(dict(params), skip_if_exists=True)
        if context is None or here is None:
            supervision = Supervision(optuna_study, folder, config, None, observer)
            return _run(Cluster(on_ray, data_dir, supervision), supervision, tables=True)
        supervision = Supervision(optuna_study, folder, config, owner, observer)
        work = Work(folder, config, owner, here, data_dir)
        return _run(Team(context, work, supervision), supervision, tables=True)


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
    `search` does, and where there is no such study.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    context = processes.context(None)
    folder = folders.placed(study, {}, url)
    optuna_study = storage.load(folder)
    waiting = storage.patient(optuna_study, observer.warn)
    own = _own(folder, waiting)
    if own is None:
        raise StudyError(f"study {folder.name} has no settings yet: `nas search` has to make it")
    of_machine = {name: value for name, value in flags.items() if name != "space"}
    config, space = folders.prepare(folder, of_machine, own, flags.get("space"))
    shared.check_space(waiting, space)
    config = _with_artifacts(folder, config, waiting, new=False).located(data_dir)
    here = processes.this_machine(context, config.device, config.recipe)
    folder.make()
    with owners.signed_on(folder) as owner:
        if not folder.settings.is_file():
            folders.write(folder, config, space, here)
        host = f"{socket.gethostname()}-{os.getpid()}"
        work = Work(folder, config, owner, here, data_dir, host)
        supervision = Supervision(optuna_study, folder, config, owner, observer)
        return _run(Team(context, work, supervision), supervision, tables=False)


def _run(team: Team | Cluster, supervision: Supervision, tables: bool) -> Outcome:
    """Have `team` work; write the study's tables in the end, however it came."""
    interrupted = False
    with supervision.interrupts.raised():
        try:
            reason = team.run()
        except KeyboardInterrupt:
            reason, interrupted = "stopped", True
        finally:
            team.end()
            patiently = patience.retrying(supervision.patient)
            records, runs = (
                patiently(trials.records, supervision.study),
                patiently(trials.runs, supervision.study),
            )
            if tables:
                write_tables(records, runs, supervision.folder.path)
    return Outcome(supervision.folder, records, runs, reason, interrupted)


def _prepare(
    folder: Folder, flags: Mapping[str, Any]
) -> tuple[StudyConfig, Space, optuna.Study | None]:
    """The configuration, the space and, if there is one already, the study."""
    study = storage.find(folder)
    if study is None:
        folders.check_is_new(folder)
    own = _own(folder, study) if study else None
    config, space = folders.prepare(folder, flags, own)
    if study:
        shared.check_space(study, space)
    return config, space, study


def _own(folder: Folder, study: optuna.Study) -> Mapping[str, Any] | None:
    """The settings of a study that exists; None if its making was broken off before it had any.

    Raises `StudyError` for a study that is not ours.
    """
    found = shared.settings(study) if folder.url is None else shared.awaited(study)
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


def _with_artifacts(
    folder: Folder, config: StudyConfig, study: optuna.Study, new: bool
) -> StudyConfig:
    """`config` with the place that files go to, where that is not simply the study's folder.

    It is marked for a `new` study; else this machine has to reach it: raises `StudyError`.
    """
    place = config.artifacts
    if place is None and folder.url is None:
        return config
    place = place or str(folder.path.resolve() / "artifacts")
    identity = shared.identify(study)
    if new:
        artifacts.mark(place, identity)
    elif not artifacts.reachable(place, identity):
        raise StudyError(
            f"the weights of study {folder.name} go to {place}, which this machine does not reach: "
            "mount that folder here, and name it with --artifacts if it is elsewhere"
        )
    return replace(config, artifacts=place)
