"""The study's storage: many values of a trial in one transaction, and what can go wrong."""

import sqlite3
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from nas.errors import StudyError
from nas.storage import studies
from nas.study.folder import Folder


def fill(trial: optuna.Trial) -> None:
    trial.suggest_int("width", 1, 9)
    trial.suggest_categorical("kind", ["plain", "depthwise"])
    trial.suggest_float("rate", 0, 0.5)
    trial.set_user_attr("params", 12)
    trial.set_user_attr("params", 13)
    trial.set_user_attr("reason", 'it\'s "over"')
    trial.set_constraint("params", 0.5)


@pytest.fixture
def study(tmp_path: Path) -> optuna.Study:
    made = studies.create(Folder(tmp_path).location)
    made.sampler = optuna.samplers.RandomSampler(seed=0)
    return made


def reread(tmp_path: Path) -> list[optuna.trial.FrozenTrial]:
    """The trials as another process finds them."""
    return studies.load(Folder(tmp_path).location).get_trials()


def test_it_writes_what_single_writes_do(study: optuna.Study, tmp_path: Path) -> None:
    for _ in range(2):  # the second time the distributions are known
        trial = study.ask()
        with studies.one_transaction(study):
            fill(trial)
        assert study.get_trials()[-1].params == trial.params
        study.tell(trial, [90.0, 12.0])
    single = study.ask()
    fill(single)
    study.tell(single, [90.0, 12.0])
    *collected, other = reread(tmp_path)
    for one in collected:
        assert one.distributions == other.distributions
        assert one.user_attrs == other.user_attrs == {"params": 13, "reason": 'it\'s "over"'}
        assert one.system_attrs == other.system_attrs
        assert list(one.params) == ["width", "kind", "rate"]


def test_what_was_collected_is_written_where_the_inside_fails(
    study: optuna.Study, tmp_path: Path
) -> None:
    trial = study.ask()
    with pytest.raises(ZeroDivisionError), studies.one_transaction(study):  # noqa: PT012
        fill(trial)
        1 / 0  # noqa: B018
    (found,) = reread(tmp_path)
    assert found.params == trial.params
    assert found.user_attrs["params"] == 13


def test_a_trial_that_has_ended_takes_nothing_more(study: optuna.Study, tmp_path: Path) -> None:
    trial = study.ask()
    study.tell(trial, state=TrialState.FAIL)
    with (
        pytest.raises(optuna.exceptions.UpdateFinishedTrialError),
        studies.one_transaction(study),
    ):
        trial.set_user_attr("late", 1)
    (found,) = reread(tmp_path)
    assert found.user_attrs == {}


def test_choices_that_change_are_refused(study: optuna.Study) -> None:
    study.ask().suggest_categorical("kind", ["a", "b"])
    study.ask().suggest_categorical("kind", ["a", "b"])
    with (
        pytest.raises(ValueError, match="does not support dynamic value space"),
        studies.one_transaction(study),
    ):
        study.ask().suggest_categorical("kind", ["a", "c"])


def test_a_storage_that_is_not_ours_writes_as_it_does() -> None:
    study = optuna.create_study()
    trial = study.ask()
    with studies.one_transaction(study):
        trial.set_user_attr("params", 13)
        assert study.get_trials()[0].user_attrs == {"params": 13}


def test_a_bug_while_a_study_is_read_keeps_its_traceback(tmp_path: Path) -> None:
    """Only what the storage itself says becomes a line that blames the storage."""
    with pytest.raises(ValueError, match="ours"), studies.explained(Folder(tmp_path).location):
        raise ValueError("ours")
    with (
        pytest.raises(StudyError, match="cannot be used as the study's database"),
        studies.explained(Folder(tmp_path).location),
    ):
        raise sqlite3.DatabaseError("file is not a database")
    with (
        pytest.raises(StudyError, match="cannot be used as the study's database"),
        studies.explained(Folder(tmp_path).location, studies.OPENING),
    ):
        raise RuntimeError("its tables are those of a newer Optuna")
