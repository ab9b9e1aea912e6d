"""Untrusted JSON of an architecture is either read or refused."""

import json
import resource
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import architectures

from nas.architecture import LAYERS, Architecture
from nas.errors import ArchitectureError

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(10**30), 10**30)
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from([*LAYERS, "same", "valid", "__class__", "'); import os; ('", "1e999"])
)
names = st.sampled_from(["version", "input_shape", "layers", "type", "width", "kernel", "rate"])
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.text(max_size=8) | names, inner, max_size=5)
    ),
    max_leaves=20,
)


def read(value: Any) -> Architecture | None:
    """The architecture read from `value`, or None if it is refused in one line."""
    try:
        return Architecture.from_json(value)
    except ArchitectureError as error:
        text = str(error)
        assert text
        assert "\n" not in text
        assert len(text) < 1_000, "a line for a person"
        return None


@given(anything)
def test_any_json_is_read_or_refused(value: Any) -> None:
    for form in (value, json.dumps(value)):
        read(form)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    read(text)


@given(architectures(), st.data())
def test_a_sound_one_with_anything_changed_is_read_or_refused(
    net: Architecture, data: st.DataObject
) -> None:
    document = json.loads(json.dumps(net.to_json()))
    place: Any = document
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        if isinstance(place[key], dict | list) and place[key] and data.draw(st.booleans()):
            place = place[key]
            continue
        break
    place[key] = data.draw(anything)
    found = read(document)
    if found is not None:
        assert Architecture.from_json(json.loads(json.dumps(found.to_json()))) == found
        for call in found.calls():
            assert call.name.isidentifier()
            # Exported source contains only numbers, booleans and known words.
            for option in (*call.args, *call.kwargs.values()):
                assert isinstance(option, int | float | bool) or option in ("same", "zeros")


def layers(count: int, layer: dict[str, Any]) -> str:
    shape = [1, 28, 28]
    return json.dumps({"version": 1, "input_shape": shape, "layers": [layer] * count})


@pytest.mark.parametrize(
    "text",
    [
        layers(1_000_000, {"type": "ReLU"}),
        layers(1, {"type": "Conv", "width": 10**9}),
        layers(1, {"type": "Linear", "width": 10**9}),
        layers(1, {"type": "Conv", "width": -1}),
        layers(3, {"type": "Conv", "width": 65_536, "kernel": 63}),
        layers(900, {"type": "Conv", "width": 60_000, "kernel": 1}),
        json.dumps({"version": 1, "input_shape": [65_536, 4_096, 4_096], "layers": []}),
        json.dumps({"version": 1, "input_shape": [4_096] * 3, "layers": [{"type": "ReLU"}] * 2}),
        "[" * 100_000,
        '{"version": ' + "9" * 100_000 + "}",
        " " * 5_000_000,
    ],
    ids=lambda text: f"{len(text)} characters, {text[:40]}",
)
def test_an_absurd_one_is_refused_before_anything_is_allocated(text: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    assert read(text) is None
    assert time.process_time() - began < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KiB
