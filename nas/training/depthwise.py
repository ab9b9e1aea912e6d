"""Faster CPU gradients of depthwise convolutions for which oneDNN has no fast kernels.

The slow cases are the weight gradient of kernels wider than 3, and in bfloat16 the input gradient
of strided convolutions: 10 to 40 times as slow as for an unstrided 3 x 3 kernel. Here the weight
gradient is computed for at most 3 kernel columns at a time, and the input gradient in float32. The
results equal torch's up to rounding.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

MAX_FAST_WIDTH = 3  # widest kernel with a fast weight gradient
Pair = tuple[int, int]  # vertical, horizontal


def use_fast_gradients(network: nn.Module) -> None:
    """Replace the slow depthwise convolutions inside `network` by `FastGradientDepthwise`.

    The replacements share the parameters; the state dictionary keeps its names.
    """
    replacements: dict[nn.Module, FastGradientDepthwise] = {}
    # A module that is used several times stays one module.
    for name, module in list(network.named_modules(remove_duplicate=False)):
        if isinstance(module, nn.Conv2d) and _is_slow(module):
            if module not in replacements:
                replacements[module] = FastGradientDepthwise(module)
            network.set_submodule(name, replacements[module])


def _is_slow(convolution: nn.Conv2d) -> bool:
    depthwise = convolution.groups == convolution.in_channels == convolution.out_channels > 1
    slow = convolution.kernel_size[1] > MAX_FAST_WIDTH or convolution.stride[1] > 1
    supported = convolution.padding_mode == "zeros" and convolution.dilation == (1, 1)
    return depthwise and slow and supported and isinstance(convolution.padding, tuple)


class FastGradientDepthwise(nn.Module):
    """The depthwise `convolution`, sharing its parameters, with the gradients of this module."""

    def __init__(self, convolution: nn.Conv2d) -> None:
        super().__init__()
        self.weight, self.bias = convolution.weight, convolution.bias
        self.stride, self.padding = convolution.stride, convolution.padding
        self.train(convolution.training)

    def forward(self, images: Tensor) -> Tensor:
        weight, bias = self.weight, self.bias
        if torch.is_autocast_enabled(images.device.type):
            dtype = torch.get_autocast_dtype(images.device.type)
            images, weight = images.to(dtype), weight.to(dtype)
        elif weight.shape[3] <= MAX_FAST_WIDTH:  # strided, which is slow in bfloat16 only
            return F.conv2d(images, weight, bias, self.stride, self.padding, groups=len(weight))
        output: Tensor = _Convolution.apply(images, weight, self.stride, self.padding)
        return output if bias is None else output + bias.to(output.dtype)[:, None, None]


class _Convolution(torch.autograd.Function):
    """Images (N, C, H, W) and weights (C, 1, kernel, kernel) of the same dtype."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, weight: Tensor, stride: Pair, padding: Pair) -> Tensor:
        ctx.save_for_backward(images, weight)
        ctx.stride, ctx.padding = stride, padding
        return F.conv2d(images, weight, None, stride, padding, groups=len(weight))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        images, weight = ctx.saved_tensors
        image_gradient = weight_gradient = None
        if ctx.needs_input_grad[0]:
            image_gradient = _image_gradient(gradient, images, weight, ctx.stride, ctx.padding)
        if ctx.needs_input_grad[1]:
            weight_gradient = _weight_gradient(gradient, images, weight, ctx.stride, ctx.padding)
        return image_gradient, weight_gradient, None, None


def _image_gradient(
    gradient: Tensor, images: Tensor, weight: Tensor, stride: Pair, padding: Pair
) -> Tensor:
    dtype = gradient.dtype if stride == (1, 1) else torch.float32
    gradient, weight = gradient.to(dtype), weight.to(dtype)
    only_images = (True, False, False)
    result, _, _ = _gradients(gradient, images.to(dtype), weight, stride, padding, only_images)
    return result.to(images.dtype)


def _weight_gradient(
    gradient: Tensor, images: Tensor, weight: Tensor, stride: Pair, padding: Pair
) -> Tensor:
    """Computed for `MAX_FAST_WIDTH` kernel columns at a time, from the pixels they cover."""
    only_weight = (False, True, False)
    if weight.shape[3] <= MAX_FAST_WIDTH:
        return _gradients(gradient, images, weight, stride, padding, only_weight)[1]
    vertical, horizontal = padding
    padded = F.pad(images, (horizontal, horizontal))
    span = (gradient.shape[3] - 1) * stride[1]  # from the first to the last position of a column
    parts, start = [], 0
    for columns in weight.split(MAX_FAST_WIDTH, dim=3):
        width = columns.shape[3]
        covered = padded[..., start : start + span + width]
        parts.append(_gradients(gradient, covered, columns, stride, (vertical, 0), only_weight)[1])
        start += width
    return torch.cat(parts, dim=3)


def _gradients(
    gradient: Tensor,
    images: Tensor,
    weight: Tensor,
    stride: Pair,
    padding: Pair,
    wanted: tuple[bool, bool, bool],
) -> tuple[Tensor, Tensor, Tensor]:
    """Torch's own gradients of a depthwise convolution: of images, weight and bias.

    `torch.nn.grad` offers them too, but ignores the images' layout and is slower in channels last.
    """
    result: tuple[Tensor, Tensor, Tensor] = torch.ops.aten.convolution_backward(
        gradient,
        images,
        weight,
        bias_sizes=None,
        stride=stride,
        padding=padding,
        dilation=(1, 1),
        transposed=False,
        output_padding=(0, 0),
        groups=len(weight),
        output_mask=wanted,
    )
    return result
