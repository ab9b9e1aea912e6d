"""The arithmetic is timed once, and a near tie keeps the usual one."""

import json
from pathlib import Path

import pytest
import torch

from nas.architecture import Architecture, BatchNorm, Conv, Flatten, GlobalAvgPool, MaxPool, ReLU
from nas.data.files import cache_dir
from nas.data.images import Split
from nas.training import Recipe, tuning
from nas.training.arithmetic import DTYPES, LAYOUTS, Arithmetic
from nas.training.device import by_hardware
from nas.training.fit import fit
from nas.training.tuning import arithmetic_for, chosen, step_times

CPU = torch.device("cpu")
USUAL, OTHER = Arithmetic("bfloat16"), Arithmetic("float32", "contiguous")
ALL = [Arithmetic(precision, layout) for precision in DTYPES for layout in LAYOUTS]
NET = Architecture(
    (1, 28, 28),
    (
        Conv(6, bias=False),
        BatchNorm(),
        ReLU(),
        MaxPool(),
        Conv(10, 3),
        GlobalAvgPool(),
        Flatten(),
    ),
)


@pytest.fixture
def timings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[Arithmetic]]:
    """The candidates of each timing so far, with an empty cache; the last is always the fastest."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    asked: list[list[Arithmetic]] = []

    def times(candidates: list[Arithmetic]) -> dict[Arithmetic, float]:
        asked.append(candidates)
        return {one: 1 / 2**n for n, one in enumerate(candidates)}

    monkeypatch.setattr(tuning, "step_times", times)
    return asked


def test_it_is_timed_once_and_remembered(timings: list[list[Arithmetic]]) -> None:
    first = arithmetic_for(CPU, Recipe())
    assert first == timings[0][-1]
    assert set(timings[0]) == set(ALL)
    assert arithmetic_for(CPU, Recipe()) == first
    assert len(timings) == 1


def test_a_precision_that_was_asked_for_is_kept(timings: list[list[Arithmetic]]) -> None:
    for precision in DTYPES:
        assert arithmetic_for(CPU, Recipe(precision=precision)).precision == precision
    assert len(timings) == 2


@pytest.mark.parametrize("content", ["", "[]", '{"KEY": 3}', '{"KEY": "int4, contiguous"}'])
def test_a_spoilt_memory_is_timed_again(content: str, timings: list[list[Arithmetic]]) -> None:
    arithmetic_for(CPU, Recipe())
    path = cache_dir() / "arithmetic.json"
    (key,) = json.loads(path.read_text())
    path.write_text(content.replace("KEY", key))
    arithmetic_for(CPU, Recipe())
    assert len(timings) == 2
    assert list(json.loads(path.read_text())) == [key]


def test_a_cache_that_cannot_be_written_only_costs_the_time(
    timings: list[list[Arithmetic]],
) -> None:
    cache_dir().parent.mkdir(parents=True)
    cache_dir().write_text("a file where the folder should be")
    assert arithmetic_for(CPU, Recipe()) == arithmetic_for(CPU, Recipe())
    assert len(timings) == 2


def test_only_what_is_clearly_faster_replaces_the_usual_choice() -> None:
    assert chosen({USUAL: 1.05, OTHER: 1.0}, USUAL) == USUAL
    assert chosen({USUAL: 1.50, OTHER: 1.0}, USUAL) == OTHER


def test_every_arithmetic_is_really_timed_and_nothing_is_left_changed() -> None:
    before = torch.get_rng_state(), torch.get_num_threads()
    seconds = step_times(ALL)
    assert seconds.keys() == set(ALL)
    assert all(0 < spent < 10 for spent in seconds.values())
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1] == torch.get_num_threads()


def test_every_arithmetic_trains_the_same_network_but_for_rounding(digits: Split) -> None:
    recipe = Recipe(epochs=2, batch_size=16)
    losses = [fit(NET, digits, recipe, 3, arithmetic=one).curve[0].train_loss for one in ALL]
    assert max(losses) - min(losses) < 0.03
    assert len(set(losses)) > 1, "they do compute differently"


def test_by_default_it_is_what_the_hardware_has_instructions_for(digits: Split) -> None:
    recipe = Recipe(epochs=1, batch_size=16)
    usual = fit(NET, digits, recipe, seed=3, arithmetic=by_hardware(CPU, "auto"))
    assert fit(NET, digits, recipe, seed=3).curve[0].loss == usual.curve[0].loss
