"""The fast gradients of depthwise convolutions equal torch's."""

from copy import deepcopy
from itertools import product

import pytest
import torch
from torch import Tensor, nn

from nas.architecture import Architecture, Conv, DepthwiseConv, Flatten, GlobalAvgPool
from nas.architecture.module import build
from nas.data.images import Split
from nas.training import Recipe, depthwise
from nas.training.depthwise import FastGradientDepthwise, use_fast_gradients
from nas.training.fit import fit

CHANNELS = 6


def gradients(
    convolution: nn.Module, images: Tensor, precision: torch.dtype
) -> tuple[Tensor, list[Tensor]]:
    """The output, and the gradients of images, weights and bias for a weighted sum of it."""
    images = images.clone().requires_grad_()
    with torch.autocast("cpu", precision, enabled=precision != torch.float32):
        output = convolution(images)
    weights = torch.linspace(-1, 1, output.numel()).view_as(output)
    (output.float() * weights).sum().backward()
    found = [images.grad, *(parameter.grad for parameter in convolution.parameters())]
    return output, [value for value in found if value is not None]


@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format], ids=str)
@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize(
    ("kernel", "stride", "padded"), list(product((1, 3, 5, 7), (1, 2, 3), (True, False)))
)
def test_outputs_and_gradients_are_those_of_torch(
    kernel: int, stride: int, padded: bool, precision: torch.dtype, layout: torch.memory_format
) -> None:
    torch.manual_seed(0)
    images = torch.randn(8, CHANNELS, 14, 11).contiguous(memory_format=layout)
    padding = kernel // 2 if padded else 0
    exact = nn.Conv2d(CHANNELS, CHANNELS, kernel, stride, padding, groups=CHANNELS)
    fast = nn.Sequential(deepcopy(exact))
    use_fast_gradients(fast)
    output, expected = gradients(exact, images, torch.float32)
    same, found = gradients(fast, images, precision)
    allowed = 1e-5 if precision == torch.float32 else 0.02  # relative to the largest value
    assert len(found) == 3
    for ours, theirs in zip([same.float(), *found], [output, *expected], strict=True):
        assert (ours - theirs).abs().max() <= allowed * theirs.abs().max()


def test_only_convolutions_that_gain_are_changed_and_no_name() -> None:
    layers = (
        Conv(CHANNELS, 5),
        DepthwiseConv(3),
        DepthwiseConv(5),
        DepthwiseConv(3, stride=2),
        Conv(CHANNELS, 5, groups=2),
        Conv(10, 1),
        GlobalAvgPool(),
        Flatten(),
    )
    network = build(Architecture((1, 14, 14), layers))
    before = dict(network.named_parameters())
    use_fast_gradients(network)
    after = dict(network.named_parameters())
    assert list(after) == list(before)
    assert all(after[name] is value for name, value in before.items())
    kinds = (nn.Conv2d, FastGradientDepthwise)
    convolutions = [module for module in network.modules() if isinstance(module, kinds)]
    changed = [isinstance(module, FastGradientDepthwise) for module in convolutions]
    assert changed == [False, False, True, True, False, False]


def test_a_convolution_that_is_used_twice_stays_one_module() -> None:
    convolution = nn.Conv2d(CHANNELS, CHANNELS, 5, groups=CHANNELS, padding=2)
    network = nn.Sequential(nn.Sequential(convolution), convolution)
    use_fast_gradients(network)
    assert isinstance(network[1], FastGradientDepthwise)
    assert network[0][0] is network[1]


def test_images_that_need_no_gradient_get_none(monkeypatch: pytest.MonkeyPatch) -> None:
    convolution = nn.Conv2d(CHANNELS, CHANNELS, 5, groups=CHANNELS)
    network = nn.Sequential(convolution)
    use_fast_gradients(network)
    monkeypatch.delattr(depthwise, "_image_gradient")
    network(torch.randn(2, CHANNELS, 9, 9)).sum().backward()
    assert convolution.weight.grad is not None


def test_training_on_a_cpu_takes_them(digits: Split, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    ours = depthwise._weight_gradient

    def counted(*arguments: object) -> Tensor:
        calls.append(arguments)
        return ours(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(depthwise, "_weight_gradient", counted)
    layers = (Conv(CHANNELS), DepthwiseConv(5), Conv(10, 1), GlobalAvgPool(), Flatten())
    fit(Architecture((1, 8, 8), layers), digits, Recipe(epochs=1), seed=0)
    assert len(calls) == len(digits.train) // Recipe().batch_size
