"""Every formula of every layer, checked against the torch module."""

import json
from math import prod

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from strategies import architectures, by_name, image_shapes
from torch import nn

from nas.architecture import LAYERS, Architecture, Layer
from nas.architecture.module import build
from nas.errors import ArchitectureError


def modules(model: nn.Module) -> list[nn.Module]:
    """The modules of the layers, a shared one once."""
    return list(dict.fromkeys(module for stage in model.children() for module in stage.children()))


def observe(architecture: Architecture) -> list[tuple[nn.Module, torch.Tensor, torch.Tensor]]:
    """Each module of the built network with a real input and its real output."""
    model = build(architecture).eval()
    seen: list[tuple[nn.Module, torch.Tensor, torch.Tensor]] = []
    for module in modules(model):
        module.register_forward_hook(lambda m, x, y: seen.append((m, x[0], y)))
    with torch.no_grad():
        model(torch.rand(2, *architecture.input_shape))
    return seen


def check(architecture: Architecture) -> None:
    model = build(architecture)
    assert architecture.params == sum(p.numel() for p in model.parameters())
    statistics = [b.numel() for n, b in model.named_buffers() if n.endswith(("_mean", "_var"))]
    assert architecture.statistics == sum(statistics)
    seen = observe(architecture)
    assert len(seen) == len(architecture.layers)
    macs = peak_with = peak_without = 0
    for index, ((module, before, after), row) in enumerate(
        zip(seen, architecture.table(), strict=True)
    ):
        assert tuple(before.shape[1:]) == architecture.shapes[index]
        assert tuple(after.shape[1:]) == row.out_shape
        of_another = getattr(row.layer, "shared", False)
        assert row.params == (0 if of_another else sum(p.numel() for p in module.parameters()))
        own = 0
        if isinstance(module, nn.Conv2d):
            own = after[0].numel() * module.weight[0].numel()
        elif isinstance(module, nn.Linear):
            own = module.weight.numel()
        assert row.macs == own
        macs += own
        # Layers that torch can run in place, or as a view.
        free = (nn.BatchNorm1d, nn.BatchNorm2d, nn.ReLU, nn.SiLU, nn.Dropout, nn.Dropout2d)
        if not isinstance(module, (*free, nn.Flatten)):
            peak_with = max(peak_with, before[0].numel() + after[0].numel())
            peak_without = max(peak_without, after[0].numel() + (before[0].numel() if index else 0))
    assert architecture.macs == macs
    image = prod(architecture.input_shape)
    assert architecture.ram("int8") == max(peak_with, image)
    assert architecture.ram("float32") == architecture.peak_ram == 4 * max(peak_with, image)
    assert architecture.ram("int8", with_input=False) == peak_without
    assert Architecture.from_json(json.loads(json.dumps(architecture.to_json()))) == architecture
    stages = architecture.stages()
    assert [layer for stage in stages for layer in stage.layers] == list(architecture.layers)
    assert [name for name, _ in model.named_children()] == [stage.name for stage in stages]


@given(architectures())
def test_every_formula_holds_against_the_built_module(architecture: Architecture) -> None:
    check(architecture)


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_alone_holds_its_formulas(name: str) -> None:
    made = 0

    @given(by_name[name], image_shapes, st.integers(1, 30))
    def run(layer: Layer, image: tuple[int, ...], features: int) -> None:
        nonlocal made
        # A Linear needs a Flatten before it, the others an image.
        before = (LAYERS["Flatten"](),) if name == "Linear" else ()
        shape = (1, 1, features) if name == "Linear" else image
        try:
            architecture = Architecture(shape, (*before, layer))
        except ArchitectureError:
            return  # too small an image, or channels that the groups do not divide
        made += 1
        check(architecture)

    run()
    assert made > 5


@given(architectures())
def test_equal_hashes_mean_equal_modules(architecture: Architecture) -> None:
    again = Architecture.from_json(architecture.to_json())
    assert again.hash == architecture.hash
    assert str(build(again)) == str(build(architecture))
    larger = Architecture(architecture.input_shape, (*architecture.layers, LAYERS["ReLU"]()))
    assert larger.hash != architecture.hash


@given(architectures())
def test_the_receptive_field_is_what_gradients_reach(architecture: Architecture) -> None:
    """One output pixel's gradient covers a square of the formula's side, if there is room."""
    keep = {"Conv", "DepthwiseConv", "AvgPool"}
    sliding = tuple(x for x in architecture.layers if type(x).__name__ in keep)
    side = 400
    try:
        stack = Architecture((architecture.input_shape[0], side, side), sliding)
    except ArchitectureError:
        return  # no such layers, or the image is too small for them
    field, jump = stack.table()[-1].receptive_field, stack.table()[-1].jump
    if field > side // 2 or jump > 32:
        return
    model = build(stack)
    for parameter in model.parameters():
        nn.init.constant_(parameter, 1.0)
    image = torch.zeros(1, *stack.input_shape, requires_grad=True)
    output = model(image)
    middle = output.shape[-1] // 2
    output[0, :, middle, middle].sum().backward()
    assert image.grad is not None
    reached = image.grad[0].abs().sum(0) > 0
    rows, columns = reached.any(1).nonzero(), reached.any(0).nonzero()
    # A stride larger than its kernel leaves gaps inside the square, but not at its ends.
    assert int(rows.max() - rows.min()) + 1 == field
    assert int(columns.max() - columns.min()) + 1 == field
