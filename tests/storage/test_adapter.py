"""What `nas` uses of Optuna's private API is still there, and does what it did.

A failure here means that this version of Optuna needs a change in `nas.storage`.
"""

import inspect
import json

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.storages import BaseStorage, RDBStorage
from optuna.trial import TrialState
from packaging.version import Version

from nas.storage import adapter


@pytest.fixture
def study() -> optuna.Study:
    return optuna.create_study(directions=["maximize", "minimize"])


def test_the_version_is_one_that_was_tested() -> None:
    assert Version("5.0") <= Version(optuna.__version__) < Version("6")


def test_a_study_has_a_storage_and_an_id(study: optuna.Study) -> None:
    assert isinstance(adapter.storage_of(study), BaseStorage)
    assert adapter.study_id(study) == 0


def test_system_attributes_of_a_study_are_kept(study: optuna.Study) -> None:
    adapter.set_study_attribute(study, "nas:settings", {"trials": 3})
    assert adapter.study_attributes(study)["nas:settings"] == {"trials": 3}
    assert "nas:settings" not in study.user_attrs


def test_system_attributes_of_a_trial_are_kept(study: optuna.Study) -> None:
    trial = study.ask()
    adapter.set_trial_attribute(trial, "nas:curve", [[1, 0.5]])
    (frozen,) = study.get_trials()
    assert frozen.system_attrs["nas:curve"] == [[1, 0.5]]
    assert adapter.trial_id(trial) == adapter.trial_id(frozen)


def test_a_trial_of_another_process_can_be_failed_once(study: optuna.Study) -> None:
    study.ask()
    (frozen,) = study.get_trials()
    adapter.fail_trial(study, frozen, {"state": "interrupted"})
    (ended,) = study.get_trials()
    assert (ended.state, ended.user_attrs) == (TrialState.FAIL, {"state": "interrupted"})
    with pytest.raises(optuna.exceptions.UpdateFinishedTrialError):
        adapter.fail_trial(study, frozen, {"state": "again"})


def test_a_queued_trial_says_with_what_it_was_queued(study: optuna.Study) -> None:
    study.enqueue_trial({"width": 3})
    study.ask()
    (taken,) = study.get_trials()
    assert taken.system_attrs[adapter.QUEUED_PARAMS] == {"width": 3}


def test_an_excerpt_shows_its_own_attributes_and_writes_into_the_study(
    study: optuna.Study,
) -> None:
    from optuna_dashboard import get_note, save_note

    study.tell(study.ask(), [90.0, 12.0])
    (frozen,) = study.get_trials()
    adapter.set_study_attribute(study, "other", 1)
    trial = adapter.excerpt(study, adapter.trial_id(frozen), {})
    assert trial.number == 0
    save_note(trial, "a note")
    assert get_note(trial) == "a note"
    kept = adapter.study_attributes(study)
    assert "other" in kept
    assert "a note" in kept.values()


@pytest.mark.parametrize(
    ("distribution", "inside", "outside"),
    [
        (IntDistribution(1, 8), 8, 9),
        (IntDistribution(1, 8, log=True), 1, 9),
        (FloatDistribution(0, 0.5), 0.25, 0.6),
        (CategoricalDistribution(("a", "b")), "a", "c"),
    ],
)
def test_a_distribution_tells_what_it_contains(
    distribution: optuna.distributions.BaseDistribution, inside: object, outside: object
) -> None:
    assert adapter.contains(distribution, inside)
    try:
        assert not adapter.contains(distribution, outside)
    except ValueError:
        assert isinstance(distribution, CategoricalDistribution)


def test_a_choosing_trial_asks_once_for_each_parameter() -> None:
    class Highest(adapter.ChoosingTrial):
        asked = 0

        def choose(self, name: str, distribution: optuna.distributions.BaseDistribution) -> int:
            assert name == "width"
            assert isinstance(distribution, IntDistribution)
            self.asked += 1
            return distribution.high

    trial = Highest()
    assert [trial.suggest_int("width", 1, 8) for _ in range(2)] == [8, 8]
    assert trial.asked == 1
    assert trial.params == {"width": 8}
    assert trial.distributions == {"width": IntDistribution(1, 8)}


def test_the_storages_that_are_extended_have_what_is_overridden() -> None:
    """`nas.storage.rdb` and `nas.storage.retry` override these by name."""
    assert list(inspect.signature(RDBStorage._set_trial_param).parameters) == [
        "self",
        "trial_id",
        "param_name",
        "param_value_internal",
        "distribution",
        "previous_distribution",
    ]
    for name in ("set_trial_user_attr", "set_trial_system_attr"):
        parameters = list(inspect.signature(getattr(RDBStorage, name)).parameters)
        assert parameters == ["self", "trial_id", "key", "value"]
    assert "get_trial_id_from_study_id_trial_number" in dir(BaseStorage)


def test_the_tables_have_the_columns_that_are_read() -> None:
    from optuna.storages._rdb import models

    trial = set(models.TrialModel.__table__.columns.keys())
    assert trial >= {"trial_id", "number", "study_id", "state", "datetime_start"}
    for model in (models.TrialUserAttributeModel, models.TrialSystemAttributeModel):
        assert set(model.__table__.columns.keys()) >= {"trial_id", "key", "value_json"}
    parameter = set(models.TrialParamModel.__table__.columns.keys())
    assert parameter >= {"trial_id", "param_name", "param_value", "distribution_json"}


def test_what_is_stored_is_json(study: optuna.Study) -> None:
    adapter.set_study_attribute(study, "nas:settings", {"a": [1, None, "ü"]})
    assert json.loads(json.dumps(adapter.study_attributes(study)["nas:settings"])) == {
        "a": [1, None, "ü"]
    }
