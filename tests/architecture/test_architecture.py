"""Validation, hash, summary, stages and table of an architecture."""

import json
from dataclasses import replace

import pytest

from nas.architecture import (
    Architecture,
    BatchNorm,
    ChannelDropout,
    Conv,
    DepthwiseConv,
    Dropout,
    Flatten,
    GlobalAvgPool,
    Layer,
    Linear,
    MaxPool,
    ReLU,
    SiLU,
)
from nas.architecture.module import build
from nas.errors import ArchitectureError

IMAGE = (1, 28, 28)


def small() -> Architecture:
    layers = (Conv(8, bias=False), BatchNorm(), ReLU(), MaxPool(), Conv(10, 1), GlobalAvgPool())
    return Architecture(IMAGE, (*layers, Flatten()))


@pytest.mark.parametrize(
    ("shape", "layers", "message"),
    [
        ((64, 2, 2), (MaxPool(), MaxPool()), "MaxPool at layer 2 needs height and width >= 2, got"),
        (IMAGE, (Conv(4, 31, "valid"),), "Conv at layer 1 needs height and width >= 31"),
        (IMAGE, (Linear(10),), "Linear at layer 1 needs a row of features, got 1 x 28 x 28"),
        (IMAGE, (Flatten(), ReLU(), MaxPool()), "MaxPool at layer 3 needs channels x height"),
        ((3, 8, 8), (Conv(4, groups=2),), "Conv at layer 1 needs input channels that its groups"),
        (IMAGE, (), "1 to 1000 layers, got 0"),
        (IMAGE, (Conv(4), Conv(4, shared=True)), "Conv at layer 2 is shared, and no layer before"),
        ((1, 28), (ReLU(),), "an input is channels x height x width"),
        (IMAGE, (ReLU(),) * 1001, "1 to 1000 layers, got 1001"),
    ],
)
def test_an_impossible_stack_names_the_layer(
    shape: tuple[int, ...], layers: tuple[Layer, ...], message: str
) -> None:
    with pytest.raises(ArchitectureError) as error:
        Architecture(shape, layers)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Conv(0),
        lambda: Conv(10**9),
        lambda: Conv(8, 2),  # "same" needs an odd kernel
        lambda: Conv(8, padding="full"),  # type: ignore[arg-type]
        lambda: Conv(8, groups=3),
        lambda: Conv(True),
        lambda: Conv(8, stride=0),
        lambda: Conv(8, bias=1),  # type: ignore[arg-type]
        lambda: Dropout(1.0),
        lambda: Dropout(float("nan")),
        lambda: MaxPool(1),
    ],
)
def test_a_value_out_of_range_is_refused(make: object) -> None:
    with pytest.raises(ArchitectureError):
        make()  # type: ignore[operator]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda j: j.update(version=2), "version 1, got 2"),
        (lambda j: j.update(extra=1), "object with version"),
        (lambda j: j["layers"].append({"type": "Import"}), "unknown layer 'Import': known are"),
        (lambda j: j["layers"].append({"width": 3}), "layer 8 needs to be an object with a type"),
        (lambda j: j["layers"][0].update(name="x"), "Conv at layer 1: unknown field 'name'"),
        (lambda j: j["layers"][0].pop("width"), "Conv at layer 1 lacks a field"),
        (lambda j: j["layers"][0].update(shared=1), "Conv at layer 1 needs a shared that is true"),
        (lambda j: j["layers"][0].update(width="8"), "Conv at layer 1 needs a width"),
        (lambda j: j.update(input_shape=[1, "28", 28]), "an input is"),
        (lambda j: j.update(layers={}), "are lists"),
    ],
)
def test_json_is_checked_against_the_known_layers(change: object, message: str) -> None:
    value = small().to_json()
    change(value)  # type: ignore[operator]
    with pytest.raises(ArchitectureError) as error:
        Architecture.from_json(value)
    assert message in str(error.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000, '{"version": 1}'])
def test_text_that_is_no_architecture_is_refused(text: str) -> None:
    with pytest.raises(ArchitectureError):
        Architecture.from_json(text)


def test_a_shared_convolution_has_the_weights_of_the_last_one_like_it() -> None:
    first = (Conv(4), Conv(4), BatchNorm(), ReLU())
    own = Architecture(IMAGE, (*first, Conv(4)))
    shared = Architecture(IMAGE, (*first, Conv(4, shared=True)))
    assert shared.sources == (0, 1, 2, 3, 1)
    assert own.params - shared.params == 4 * 4 * 9 + 4
    assert (own.macs, own.shapes) == (shared.macs, shared.shapes)
    assert own.hash != shared.hash
    assert shared.summary() == "4 4 =4"
    assert [row.text for row in shared.table()][-1] == "layer 2 again"
    modules = [module for stage in build(shared) for module in stage]
    assert modules[4] is modules[1]
    assert Architecture.from_json(json.dumps(shared.to_json())) == shared
    nearest = Architecture(IMAGE, (*first, Conv(4), Conv(4, shared=True), Conv(4, shared=True)))
    assert nearest.sources[-2:] == (4, 4)
    assert nearest.hash != Architecture(IMAGE, (*first, *(Conv(4, shared=True),) * 3)).hash


def test_both_orders_of_norm_and_activation_can_be_said() -> None:
    norm_first = Architecture(IMAGE, (Conv(4), BatchNorm(), ReLU()))
    norm_last = Architecture(IMAGE, (Conv(4), ReLU(), BatchNorm()))
    assert norm_first.params == norm_last.params
    assert norm_first.hash != norm_last.hash


def test_two_ways_to_write_one_network_have_one_hash() -> None:
    grouped = Architecture((4, 8, 8), (Conv(4, groups=4),))
    depthwise = Architecture((4, 8, 8), (DepthwiseConv(),))
    assert grouped.hash == depthwise.hash


def test_a_hash_stays_what_it_was() -> None:
    """Studies store hashes: changing this value would hide their duplicates."""
    assert small().hash == "76a8fcebd793b925"


@pytest.mark.parametrize(
    ("between", "named"),
    [
        ((BatchNorm(), ReLU()), ""),
        ((BatchNorm(), SiLU()), ", SiLU"),
        ((ReLU(), Dropout(0.06)), ", no BN, dropout 0.06"),
        ((BatchNorm(), ReLU(), SiLU()), ", ReLU and SiLU"),
        ((BatchNorm(), ReLU(), ChannelDropout(0.1)), ", channel dropout 0.1"),
        ((BatchNorm(), SiLU(), Dropout(0.25), Dropout(0)), ", SiLU, dropout 0 and 0.25"),
        ((), ", no BN, no activation"),
    ],
)
def test_networks_that_differ_between_their_layers_have_summaries_that_do(
    between: tuple[Layer, ...], named: str
) -> None:
    assert Architecture(IMAGE, (Conv(4), *between, Conv(4))).summary() == f"4 4{named}"


def test_summary_and_stages_read_as_a_person_would_write_them() -> None:
    layers = (
        Conv(8),
        ReLU(),
        Conv(8, 5, stride=2),
        ReLU(),
        DepthwiseConv(),
        Conv(12, 1),
        MaxPool(),
        Conv(10, 1),
        GlobalAvgPool(),
        Flatten(),
    )
    architecture = Architecture(IMAGE, layers)
    assert architecture.summary() == "8 8k5/2 dw 12k1 M 10k1 gap, no BN"
    unpadded = [
        replace(layer, padding="valid") if isinstance(layer, Conv | DepthwiseConv) else layer
        for layer in layers
    ]
    summary = Architecture(IMAGE, tuple(unpadded)).summary()
    assert summary == "8v 8k5v/2 dwv 12k1 M 10k1 gap, no BN"
    assert [(s.name, s.start, len(s.layers)) for s in architecture.stages()] == [
        ("block1", 0, 4),
        ("block2", 4, 3),
        ("head", 7, 3),
    ]


def test_a_known_table() -> None:
    """Two 3 x 3 convolutions and a pool: fields 3, 5, 6 and jumps 1, 1, 2, computed by hand."""
    table = Architecture(IMAGE, (Conv(4), Conv(4, padding="valid"), MaxPool())).table()
    assert [(r.number, r.out_shape, r.receptive_field, r.jump) for r in table] == [
        (1, (4, 28, 28), 3, 1),
        (2, (4, 26, 26), 5, 1),
        (3, (4, 13, 13), 6, 2),
    ]
    assert [r.params for r in table] == [40, 148, 0]
    assert [r.macs for r in table] == [28 * 28 * 36, 26 * 26 * 144, 0]
