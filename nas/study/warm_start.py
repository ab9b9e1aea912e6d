"""Known architectures that a search begins with: a former study's front, or a file."""

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna

from nas.architecture import Architecture, Task, show
from nas.errors import ArchitectureError, SpaceError, StudyError
from nas.records import pareto_front, trials
from nas.records.trials import GIVEN, START_FROM
from nas.spaces import Space
from nas.storage import studies
from nas.study import folder as folders

QUEUED = "queued"  # attribute: the architecture's hash, before its trial has been drawn


@dataclass(frozen=True, slots=True)
class Known:
    """An architecture to begin with."""

    origin: str  # "studies/mnist-8000, trial 7"
    architecture: Architecture
    sampled: Mapping[str, Any]  # what its own search space drew, if it is known


def known(source: str) -> list[Known]:
    """The architectures of `source`: a .json file with one, or a study, whose front it is.

    Raises `StudyError` if there is nothing, `ArchitectureError` if a file is no sound architecture.
    """
    if source.endswith(".json"):
        try:
            text = Path(source).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise StudyError(f"--start-from {source} cannot be read: {error}") from None
        return [Known(source, Architecture.from_json(text), {})]
    folder = folders.existing(source)
    front = pareto_front(trials.records(studies.load(folder.location)))
    if not front:
        raise StudyError(f"--start-from {source}: the study has no trained candidate yet")
    return [
        Known(f"{folder.path}, trial {record.number}", record.architecture, record.sampled)
        for record in front
    ]


def check(candidates: Sequence[Known], task: Task) -> None:
    """Raise `StudyError` if one of the `candidates` is for another task."""
    for one in candidates:
        net = one.architecture
        if net.input_shape != task.input_shape or net.out_shape != (task.classes,):
            raise StudyError(
                f"--start-from {one.origin}: the network takes {show(net.input_shape)} and gives "
                f"{show(net.out_shape)}: the task has images of {show(task.input_shape)} and "
                f"{task.classes} classes"
            )


def enqueue(study: optuna.Study, candidates: Sequence[Known], space: Space, task: Task) -> None:
    """Queue the `candidates` that the study has not had, before anything else is.

    Where the space can draw one, its parameters are queued, so that the sampler learns from it;
    else the architecture itself is.
    """
    there = {
        value
        for trial in study.get_trials(deepcopy=False)
        for value in (trial.user_attrs.get("hash"), trial.user_attrs.get(QUEUED))
        if value
    }
    for one in candidates:
        if one.architecture.hash in there:
            continue
        attributes = {START_FROM: one.origin, QUEUED: one.architecture.hash}
        if _can_draw(space, task, one):
            study.enqueue_trial(dict(one.sampled), user_attrs=attributes)
        else:
            text = json.dumps(one.architecture.to_json(), separators=(",", ":"))
            study.enqueue_trial({}, user_attrs={**attributes, GIVEN: text})


def _can_draw(space: Space, task: Task, one: Known) -> bool:
    """Whether `space` makes this architecture of the parameters it was once drawn with."""
    if not one.sampled:
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # Optuna warns of a value that is out of its range
            drawn = space.sample(optuna.trial.FixedTrial(dict(one.sampled)), task)
    except (ArchitectureError, SpaceError):  # what a space makes of another's parameters
        return False
    return drawn.hash == one.architecture.hash
