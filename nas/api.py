"""What the commands call: make or resume a search, or join one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
from optuna.exceptions import DuplicatedStudyError

from nas.execution import owners, processes
from nas.execution.cluster import Cluster, connected
from nas.execution.join import Outcome, join, own_settings, run, with_artifacts
from nas.execution.observer import Observer
from nas.execution.supervision import Supervision
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
                optuna_study = studies.create(folder.location)
            except DuplicatedStudyError:  # another machine was quicker: its settings are the law
                config, space, optuna_study = _prepare(folder, flags)
                assert optuna_study is not None
        config = config.located(data_dir)
        waiting = studies.patient(optuna_study, observer.warn)
        new = attributes.settings(waiting) is None
        config = with_artifacts(folder, config, waiting, new)
        setup.write(folder, config, space, here)
        attributes.publish(waiting, config, space)
        warm_start.enqueue(waiting, first, space, config.task)
        for params in space.start(config.task):
            waiting.enqueue_trial(dict(params), skip_if_exists=True)
        if context is None or here is None:
            supervision = Supervision(optuna_study, folder, config, None, observer)
            return run(Cluster(on_ray, data_dir, supervision), supervision, tables=True)
        supervision = Supervision(optuna_study, folder, config, owner, observer)
        work = Work(folder, config, owner, here, data_dir)
        return run(Team(context, work, supervision), supervision, tables=True)


def _prepare(
    folder: Folder, flags: Mapping[str, Any]
) -> tuple[StudyConfig, Space, optuna.Study | None]:
    """The configuration, the space and, if there is one already, the study."""
    study = studies.find(folder.location)
    if study is None:
        folders.check_is_new(folder)
    own = own_settings(folder, study) if study else None
    config, space = setup.prepare(folder, flags, own)
    if study:
        attributes.check_space(study, space)
    return config, space, study
