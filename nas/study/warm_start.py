"""Known architectures to start a search from: the front of another study, or a file."""

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

QUEUED = "queued"  # attribute: the architecture's hash, while its trial is queued


@dataclass(frozen=True, slots=True)
class Known:
    """An architecture to start from."""

    origin: str  # "studies/mnist-8000, trial 7"
    architecture: Architecture
    sampled: Mapping[str, Any]  # the parameters of its search space, if known


def known(source: str) -> list[Known]:
    """The architectures of `source`: the one in a .json file, or the front of a study.

    Raises `StudyError` if there is none, `ArchitectureError` if a file has no valid architecture.
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
    """Raise `StudyError` if one of the `candidates` does not fit the task."""
    for one in candidates:
        net = one.architecture
        if net.input_shape != task.input_shape or net.out_shape != (task.classes,):
            raise StudyError(
                f"--start-from {one.origin}: the network takes {show(net.input_shape)} and gives "
                f"{show(net.out_shape)}: the task has images of {show(task.input_shape)} and "
                f"{task.classes} classes"
            )


def enqueue(study: optuna.Study, candidates: Sequence[Known], space: Space, task: Task) -> None:
    """Queue the `candidates` that the study does not have yet.

    If the space can draw one, its parameters are queued, so that the sampler learns from it.
    Otherwise the architecture itself is queued.
    """
    known_hashes = {
        value
        for trial in study.get_trials(deepcopy=False)
        for value in (trial.user_attrs.get("hash"), trial.user_attrs.get(QUEUED))
        if value
    }
    for one in candidates:
        if one.architecture.hash in known_hashes:
            continue
        attributes = {START_FROM: one.origin, QUEUED: one.architecture.hash}
        if _can_draw(space, task, one):
            study.enqueue_trial(dict(one.sampled), user_attrs=attributes)
        else:
            text = json.dumps(one.architecture.to_json(), separators=(",", ":"))
            study.enqueue_trial({}, user_attrs={**attributes, GIVEN: text})


def _can_draw(space: Space, task: Task, one: Known) -> bool:
    """Whether `space` makes the same architecture from the parameters it was drawn with."""
    if not one.sampled:
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # Optuna warns about a value out of range
            drawn = space.sample(optuna.trial.FixedTrial(dict(one.sampled)), task)
    except (ArchitectureError, SpaceError):  # the parameters are those of another space
        return False
    return drawn.hash == one.architecture.hash
