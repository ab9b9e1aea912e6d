"""What report and dashboard show, before it is drawn."""

from datetime import UTC, datetime, timedelta

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.architecture import Architecture, Conv, DepthwiseConv, Flatten, GlobalAvgPool, MaxPool
from nas.records import Record, State, hypervolume
from nas.results import analysis
from nas.results.drawing import draw
from nas.training import Epoch

START = datetime(2026, 1, 1, tzinfo=UTC)


def record(number: int, params: int, accuracy: float, state: State = State.TRAINED) -> Record:
    curve = tuple(Epoch(i, 0.5, 90.0, 0.4, accuracy, 1.5) for i in (1, 2))
    return Record(
        number,
        state,
        params=params,
        curve=curve,
        seed=1,
        started=START,
        finished=START + timedelta(minutes=number),
    )


drawn = st.lists(
    st.tuples(st.integers(1, 30), st.integers(0, 20), st.sampled_from(list(State)[:6])), max_size=25
).map(lambda rows: [record(i, 100 * p, 90 + a / 2, s) for i, (p, a, s) in enumerate(rows)])


@given(drawn)
def test_the_hypervolume_history_is_that_of_every_beginning(records: list[Record]) -> None:
    steps = analysis.hypervolume_history(reversed(records), budget=2_000)
    for count, step in enumerate(steps, start=1):
        assert step.trial == records[count - 1].number
        assert step.epochs == 2 * count
        whole = hypervolume(records[:count], 2_000, analysis.LEAST_ACCURACY)
        assert step.hypervolume == pytest.approx(whole)


def test_the_choices_that_broke_the_budget_are_found() -> None:
    kept = (State.TRAINED, State.STOPPED, State.DUPLICATE, State.FAILED)
    records = [
        Record(
            number,
            State.OVER_BUDGET if number % 2 or number < 4 else kept[number // 2 % 4],
            sampled={"width": 24 if number % 2 else 8, "rare": number},
            params=1_000 * number,
        )
        for number in range(20)
    ]
    records.append(Record(20, State.IMPOSSIBLE, sampled={"width": 24}))
    records.append(Record(21, State.INTERRUPTED, sampled={"width": 24}, params=1_000))
    whole, shares = analysis.budget_breakers(records)
    assert (whole.draws, whole.over) == (20, 12)
    assert [(share.choice, share.over, share.draws) for share in shares] == [("width = 24", 10, 10)]
    assert analysis.budget_breakers([]) == (analysis.Share("all", 0, 0), [])


def test_importances_find_what_matters_for_accuracy_and_for_size() -> None:
    study = optuna.create_study(
        directions=["maximize", "minimize"], sampler=optuna.samplers.RandomSampler(seed=0)
    )
    for _ in range(analysis.FEW_TRIALS - 1):
        study.tell(study.ask(), [90.0, 500.0])
    assert analysis.importances(study) is None
    for _ in range(80):
        trial = study.ask()
        quality = trial.suggest_float("quality", 0, 1)
        size = trial.suggest_int("size", 1, 100)
        trial.suggest_float("noise", 0, 1)
        study.tell(trial, [90 + 9 * quality, 100 * size])
    found = analysis.importances(study)
    assert found is not None
    accuracy, parameters = found
    assert max(accuracy, key=lambda name: accuracy[name]) == "quality"
    assert max(parameters, key=lambda name: parameters[name]) == "size"


NET = Architecture(
    (1, 28, 28),
    (Conv(8), MaxPool(), DepthwiseConv(5, stride=2), Conv(10, 1), GlobalAvgPool(), Flatten()),
)


def test_features_are_the_architectures() -> None:
    import json

    trained = Record(
        3,
        State.TRAINED,
        architecture_json=json.dumps(NET.to_json()),
        params=NET.params,
        curve=record(3, 1, 95).curve,
    )
    ((row, accuracy),) = analysis.trained_features([trained, record(4, 10, 95, State.FAILED)])
    assert (row.depth, row.widest, accuracy) == (3, 8, 95)
    assert (row.params, row.macs) == (NET.params, NET.macs)


def test_a_drawing_shows_every_feature_map() -> None:
    from xml.etree import ElementTree

    svg = ElementTree.fromstring(draw(NET))
    kinds = [box.get("class") for box in svg.iter("rect")]
    assert kinds == ["map", "conv", "pool", "depthwise", "conv", "head"]
    texts = [text.text for text in svg.iter("text") if text.text]
    for expected in ("28", "14", "7", "8", "10", "3×3", "max 2", "dw 5/2", "1×1", "gap"):
        assert expected in texts
    right = max(float(box.get("x", 0)) + float(box.get("width", 0)) for box in svg.iter("rect"))
    assert right <= float(svg.get("width", 0))
