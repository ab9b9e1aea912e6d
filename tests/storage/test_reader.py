"""The quick reader says what Optuna's own reading says."""

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import optuna
import pytest

from nas.errors import StudyError
from nas.records import trials
from nas.results.view import open_study
from nas.storage import reader, studies
from nas.study.folder import Folder

SAME = ("number", "state", "params", "user_attrs", "system_attrs", "datetime_start")
SAME = (*SAME, "datetime_complete", "_trial_id")


@pytest.fixture
def tokyo() -> Iterator[None]:
    """A machine nine hours ahead."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = "Asia/Tokyo"
    time.tzset()
    yield
    os.environ.pop("TZ")
    if before is not None:
        os.environ["TZ"] = before
    time.tzset()


@pytest.mark.usefixtures("tokyo")
def test_a_study_reads_as_optuna_reads_it(study: Path) -> None:
    found = open_study(str(study))
    found.study.enqueue_trial({"blocks": 1})
    quick, own = reader.trials(found.study), found.study.get_trials()
    assert len(quick) == len(own) > 3
    for one, other in zip(quick, own, strict=True):
        for name in SAME:
            assert getattr(one, name) == getattr(other, name), name
        assert list(one.params) == list(other.params)


@pytest.mark.usefixtures("tokyo")
def test_moments_are_right_wherever_the_machine_is(tmp_path: Path) -> None:
    study = studies.create(Folder(tmp_path).location)
    before = datetime.now(UTC)
    study.tell(study.ask(), state=optuna.trial.TrialState.FAIL)
    (record,) = trials.records(study)
    assert record.started is not None
    assert record.finished is not None
    assert before <= record.started <= record.finished <= datetime.now(UTC)


def test_a_storage_without_tables_is_read_by_optuna() -> None:
    study = optuna.create_study()
    study.tell(study.ask(), 1.0)
    assert reader.trials(study) == study.get_trials()


def test_a_trial_that_is_not_ours_is_an_error_of_one_line(tmp_path: Path) -> None:
    study = studies.create(Folder(tmp_path).location)
    study.tell(study.ask(), [90.0, 12.0])
    with pytest.raises(StudyError, match=r"trial 0 .* \(it has no learning curve\)"):
        trials.records(study)
