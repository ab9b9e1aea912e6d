"""Which candidate `nas show` and `nas export` take."""

import pytest

from nas.errors import StudyError
from nas.records import Record, State, choice
from nas.training import Epoch


def record(number: int, params: int, accuracy: float, state: State = State.TRAINED) -> Record:
    return Record(number, state, params=params, curve=(Epoch(1, 0.5, 90.0, 0.4, accuracy, 1.5),))


RECORDS = [
    record(0, 3_000, 99.0),
    record(1, 500, 90.0),
    record(2, 1_000, 98.0),
    record(3, 2_000, 97.0),
    record(4, 100, 99.9, State.FAILED),
]


def test_the_best_within_a_size() -> None:
    assert choice.best(RECORDS).number == 0
    assert choice.best(RECORDS, 2_999).number == 2
    assert choice.best(RECORDS, 1_000).number == 2
    with pytest.raises(StudyError, match=r"--max-params 499: the smallest .* has 500"):
        choice.best(RECORDS, 499)


def test_the_front_from_an_accuracy_on() -> None:
    assert [found.number for found in choice.from_accuracy(RECORDS, 0)] == [1, 2, 0]
    assert [found.number for found in choice.from_accuracy(RECORDS, 98.0)] == [2, 0]
    assert [found.number for found in choice.from_accuracy(RECORDS, 98.01)] == [0]
    with pytest.raises(StudyError, match=r"--min-accuracy 99.5: the most accurate .* 99.00 %"):
        choice.from_accuracy(RECORDS, 99.5)


def test_by_number() -> None:
    assert choice.by_number(RECORDS, 3).params == 2_000
    with pytest.raises(StudyError, match="no trial 5: its trials are 0 to 4"):
        choice.by_number(RECORDS, 5)
    with pytest.raises(StudyError, match="trial 4 is failed, so it has no network"):
        choice.trained(choice.by_number(RECORDS, 4))
    for pick in (choice.best, lambda records: choice.from_accuracy(records, 1)):
        with pytest.raises(StudyError, match="no trained candidate yet"):
            pick([])
