"""The parts of Optuna's private API that the rest of `nas` needs.

Storages, ids and system attributes of a study are private in Optuna. Only this package uses them,
so that a new version of Optuna can break only this package and its tests.
"""

from collections.abc import Mapping
from copy import copy
from typing import Any, cast

import optuna
from optuna.distributions import BaseDistribution
from optuna.storages import BaseStorage
from optuna.trial import FixedTrial, FrozenTrial, TrialState

AnyTrial = optuna.Trial | FrozenTrial
QUEUED_PARAMS = "fixed_params"  # system attribute: the parameters a trial was enqueued with


def storage_of(study: optuna.Study) -> BaseStorage:
    """The storage that `study` reads and writes."""
    return study._storage


def study_id(study: optuna.Study) -> int:
    """The study's id, as in the dashboard's URLs."""
    return study._study_id


def trial_id(trial: AnyTrial) -> int:
    """The trial's id in its storage."""
    return int(trial._trial_id)


def study_attributes(study: optuna.Study) -> Mapping[str, Any]:
    """The study's system attributes; the dashboard does not show them."""
    return study._storage.get_study_system_attrs(study._study_id)


def set_study_attribute(study: optuna.Study, name: str, value: Any) -> None:
    """Set a system attribute of the study."""
    study._storage.set_study_system_attr(study._study_id, name, value)


def set_trial_attribute(trial: optuna.Trial, name: str, value: Any) -> None:
    """Set a system attribute of a running trial."""
    trial.storage.set_trial_system_attr(trial._trial_id, name, value)


def fail_trial(study: optuna.Study, trial: FrozenTrial, attributes: Mapping[str, Any]) -> None:
    """Set user attributes of another process's running `trial` and mark it as failed.

    Raises `UpdateFinishedTrialError` if the trial is finished.
    """
    for name, value in attributes.items():
        study._storage.set_trial_user_attr(trial._trial_id, name, value)
    study._storage.set_trial_state_values(trial._trial_id, TrialState.FAIL)


def excerpt(study: optuna.Study, trial: int, attributes: dict[str, Any]) -> optuna.Trial:
    """The trial with this id, of a study that shows only the system attributes `attributes`.

    Optuna's dashboard keeps trials' notes in attributes of the study and reads all of them for each
    note, which takes minutes with a thousand trials and grows with their square.
    """
    part = copy(study)
    part._storage = cast(BaseStorage, _Excerpt(study._storage, attributes))
    return optuna.trial.Trial(part, trial)


def contains(distribution: BaseDistribution, value: Any) -> bool:
    """Whether `distribution` contains `value`; may warn or raise for a value of another type."""
    return bool(distribution._contains(distribution.to_internal_repr(value)))


class ChoosingTrial(FixedTrial):
    """A trial without a study. `choose` is called once for each parameter."""

    def __init__(self) -> None:
        super().__init__({})

    def choose(self, name: str, distribution: BaseDistribution) -> Any:
        """Return the value of the parameter `name`."""
        raise NotImplementedError

    def _suggest(self, name: str, distribution: BaseDistribution) -> Any:
        if name not in self._suggested_params:
            self._suggested_params[name] = self.choose(name, distribution)
            self._distributions[name] = distribution
        return self._suggested_params[name]


class _Excerpt:
    """A storage that shows some of the study's system attributes, and writes to all of them."""

    def __init__(self, storage: BaseStorage, attributes: dict[str, Any]) -> None:
        self._storage = storage
        self._attributes = attributes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)

    def get_study_system_attrs(self, study_id: int) -> dict[str, Any]:  # noqa: ARG002
        return self._attributes

    def set_study_system_attr(self, study_id: int, key: str, value: Any) -> None:
        self._storage.set_study_system_attr(study_id, key, value)
        self._attributes[key] = value
