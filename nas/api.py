"""Start, resume or join a search. The commands call these functions."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
from optuna.exceptions import DuplicatedStudyError

from nas.execution import processes
from nas.execution.cluster import Cluster, connect
from nas.execution.join import Outcome, check_ours, join, run, with_artifacts
from nas.execution.liveness import owner_lock
from nas.execution.monitor import Monitor, Observer
from nas.execution.team import Team
from nas.execution.worker import Work
from nas.spaces import Space
from nas.storage import studies
from nas.study import attributes, setup, warm_start
from nas.study import folder as folders
from nas.study.config import StudyConfig
from nas.study.folder import Folder

__all__ = ["Outcome", "join", "search"]


def search(
    study: str | None,
    flags: Mapping[str, Any],
    observer: Observer,
    data_dir: Path | None = None,
    start_from: str | None = None,
    url: str | None = None,
    ray: str | None = None,
) -> Outcome:
    """Create or resume the study `study` and run until it is complete.

    `flags` are the settings that the user gave. `start_from` is a study or a file whose
    architectures are tried first. `url` is the study's storage; None for its folder. `ray` is the
    address of a Ray cluster that runs the workers. Raises `NasError` for a user's mistake; the
    study stays consistent, and the same call resumes it.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    context = processes.context(flags.get("dataset")) if ray is None else None
    folder = folders.placed(study, flags, url)
    config, _, _ = _prepare(folder, flags)
    cluster = connect(ray, folder) if ray is not None else None
    initial = warm_start.known(start_from) if start_from else []
    config = config.located(data_dir)
    warm_start.check(initial, config.task)
    here = processes.this_machine(context, config.device, config.recipe) if context else None
    folder.make()
    with folder.held(folder.search_lock, "searched"), owner_lock(folder) as owner:
        # Prepare again: another search may have changed the study before the lock was held.
        config, space, optuna_study = _prepare(folder, flags)
        if optuna_study is None:
            try:
                optuna_study = studies.create(folder.location)
            except DuplicatedStudyError:  # another machine was first: use its settings
                config, space, optuna_study = _prepare(folder, flags)
                assert optuna_study is not None
        config = config.located(data_dir)
        waiting = studies.with_retries(optuna_study, observer.warn)
        new = attributes.settings(waiting) is None
        config = with_artifacts(folder, config, waiting, new)
        setup.write(folder, config, space, here)
        attributes.publish(waiting, config, space)
        warm_start.enqueue(waiting, initial, space, config.task)
        for params in space.start(config.task):
            waiting.enqueue_trial(dict(params), skip_if_exists=True)
        if context is None or here is None:
            monitor = Monitor(optuna_study, folder, config, None, observer)
            return run(Cluster(cluster, data_dir, monitor), monitor, tables=True)
        monitor = Monitor(optuna_study, folder, config, owner, observer)
        work = Work(folder, config, owner, here, data_dir)
        return run(Team(context, work, monitor), monitor, tables=True)


def _prepare(
    folder: Folder, flags: Mapping[str, Any]
) -> tuple[StudyConfig, Space, optuna.Study | None]:
    """The configuration, the space, and the study if it exists."""
    study = studies.find(folder.location)
    if study is None:
        folders.check_is_new(folder)
    if study:
        check_ours(folder, study)
    config, space = setup.prepare(folder, flags, study)
    if study:
        attributes.check_space(study, space)
    return config, space, study
