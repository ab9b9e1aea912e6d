"""Choosing a candidate by number, size or accuracy."""

from collections.abc import Iterable

from nas.errors import StudyError
from nas.records.front import pareto_front
from nas.records.record import Record, State


def by_number(records: Iterable[Record], number: int) -> Record:
    """The record of trial `number`; raises `StudyError` if there is none."""
    records = list(records)
    for record in records:
        if record.number == number:
            return record
    numbers = f"0 to {records[-1].number}" if records else "none yet"
    raise StudyError(f"the study has no trial {number}: its trials are {numbers}")


def trained(record: Record) -> Record:
    """`record`; raises `StudyError` if it was not trained to the end."""
    if record.state is not State.TRAINED:
        raise StudyError(
            f"trial {record.number} is {record.state}, so it has no network: "
            "`nas front` lists those that have"
        )
    return record


def best(records: Iterable[Record], max_params: int | None = None) -> Record:
    """The candidate of highest held-out accuracy with at most `max_params` parameters.

    Raises `StudyError` if there is none.
    """
    front = _front(records)
    fitting = [r for r in front if max_params is None or (r.params or 0) <= max_params]
    if not fitting:
        raise StudyError(
            f"--max-params {max_params}: the smallest trained candidate has {front[0].params:,}: "
            "choose at least that"
        )
    return fitting[-1]


def from_accuracy(records: Iterable[Record], min_accuracy: float) -> list[Record]:
    """The members of the front with at least `min_accuracy` percent held-out accuracy, by size.

    Raises `StudyError` if there is none.
    """
    front = _front(records)
    found = [record for record in front if (record.accuracy or 0) >= min_accuracy]
    if not found:
        raise StudyError(
            f"--min-accuracy {min_accuracy:g}: the most accurate candidate has "
            f"{front[-1].accuracy:.2f} %: choose at most that"
        )
    return found


def _front(records: Iterable[Record]) -> list[Record]:
    front = pareto_front(records)
    if not front:
        raise StudyError("the study has no trained candidate yet: see `nas status`")
    return front
