"""The front, the hypervolume and the tables."""

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna._hypervolume import compute_hypervolume

from nas.architecture import Architecture, Conv, Flatten, GlobalAvgPool
from nas.records import Record, State, hypervolume, pareto_front
from nas.records.tables import COLUMNS, write_tables
from nas.training import Epoch


def record(number: int, params: int, accuracy: float, state: State = State.TRAINED) -> Record:
    curve = (Epoch(1, 0.5, 90.0, 0.4, accuracy, 1.5),)
    return Record(number=number, state=state, params=params, curve=curve)


records = st.lists(
    st.tuples(st.integers(1, 12), st.integers(0, 12)).map(lambda pair: pair), max_size=12
).map(lambda pairs: [record(i, 100 * p, 90 + a / 2) for i, (p, a) in enumerate(pairs)])


def beats(one: Record, other: Record) -> bool:
    a, b = (one.accuracy, other.accuracy)
    p, q = (one.params, other.params)
    assert a is not None
    assert b is not None
    assert p is not None
    assert q is not None
    return p <= q and a >= b and (p < q or a > b)


@given(records)
def test_the_front_is_exactly_what_nothing_beats(drawn: list[Record]) -> None:
    front = pareto_front(drawn)
    unbeaten = [r for r in drawn if not any(beats(other, r) for other in drawn)]
    assert {(r.params, r.accuracy) for r in front} == {(r.params, r.accuracy) for r in unbeaten}
    assert len({(r.params, r.accuracy) for r in front}) == len(front)
    assert [r.params for r in front] == sorted(r.params or 0 for r in front)


def test_only_trained_candidates_enter_the_front() -> None:
    others = [record(i, 10, 100, state) for i, state in enumerate(State) if state != State.TRAINED]
    assert pareto_front(others) == []
    assert pareto_front([*others, record(9, 500, 95)]) == [record(9, 500, 95)]


@given(records)
def test_the_hypervolume_is_optunas(drawn: list[Record]) -> None:
    """Against Optuna's own, on the same box: log parameters and accuracy."""
    import numpy as np

    points = [
        (np.log(max(r.params or 0, 100)), -(r.accuracy or 0))
        for r in drawn
        if (r.params or 0) < 1_000 and (r.accuracy or 0) > 92
    ]
    box = np.log(1_000 / 100) * 8
    expected = 0.0
    if points:
        expected = compute_hypervolume(np.array(points), np.array([np.log(1_000), -92.0])) / box
    assert hypervolume(drawn, 1_000, 92.0) == pytest.approx(expected)


def test_the_tables_have_their_columns_and_pandas_reads_them(tmp_path: Path) -> None:
    net = Architecture((1, 28, 28), (Conv(10), GlobalAvgPool(), Flatten()))
    import json

    whole = Record(
        number=2,
        state=State.TRAINED,
        architecture_json=json.dumps(net.to_json()),
        hash=net.hash,
        params=net.params,
        macs=net.macs,
        peak_ram=net.peak_ram,
        curve=(Epoch(1, 0.5, 90.0, 0.4, 91.25, 1.5), Epoch(2, 0.4, 91.0, 0.3, 92.5, 1.5)),
    )
    rejected = Record(number=3, state=State.OVER_BUDGET, reason="9,000 > 8,000", params=9_000)
    impossible = Record(number=4, state=State.IMPOSSIBLE, reason='Conv "x", at layer 3')
    write_tables([record(1, 50, 60.0), whole, rejected, impossible], [], tmp_path)
    trials = pd.read_csv(tmp_path / "trials.csv")
    assert list(trials.columns) == list(COLUMNS)
    assert trials["number"].tolist() == [1, 2, 3, 4]
    assert trials["state"].tolist() == ["trained", "trained", "over budget", "impossible"]
    row = trials.set_index("number").loc[2]
    assert (row["params"], row["val_accuracy"], row["epochs"], row["seconds"]) == (100, 92.5, 2, 3)
    assert row["architecture"] == "10 gap, no BN, no activation"
    assert trials["reason"].tolist()[2:] == ["9,000 > 8,000", 'Conv "x", at layer 3']
    front = pd.read_csv(tmp_path / "front.csv")
    assert front["params"].tolist() == [50, 100]
    assert "8000.0" not in (tmp_path / "trials.csv").read_text()


def test_a_study_without_a_draw_has_tables_too(tmp_path: Path) -> None:
    """A search that is stopped before its first draw."""
    write_tables([], [], tmp_path)
    for name in ("trials.csv", "front.csv"):
        table = pd.read_csv(tmp_path / name)
        assert list(table.columns) == list(COLUMNS)
        assert table.empty
