"""Depthwise convolutions on a CPU whose gradients oneDNN has no fast kernels for.

These are the weights' gradient of kernels more than three wide, and in bfloat16 the input's where
there is a stride: they take 10 to 40 times as long as those of a 3 x 3 kernel without one. Here the
former is put together from that of columns of the weights, and the latter computed in float32. Both
are what they were, up to rounding.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

FAST = 3  # columns of a kernel
Pair = tuple[int, int]  # of rows and of columns


def quicken(network: nn.Module) -> None:
    """Have `network`'s convolutions of that kind take the faster ways; it stays what it is."""
    for convolution in slow(network):
        convolution.__class__ = _Quick


def slow(network: nn.Module) -> list[nn.Conv2d]:
    """The convolutions of `network` that are of that kind."""
    plain = (module for module in network.modules() if type(module) is nn.Conv2d)
    return [module for module in plain if _is_slow(module)]


def _is_slow(convolution: nn.Conv2d) -> bool:
    depthwise = convolution.groups == convolution.in_channels == convolution.out_channels > 1
    wide = convolution.kernel_size[1] > FAST or convolution.stride[1] > 1
    plain = convolution.padding_mode == "zeros" and convolution.dilation == (1, 1)
    return depthwise and wide and plain and isinstance(convolution.padding, tuple)


class _Quick(nn.Conv2d):
    """A depthwise convolution with gradients of its own."""

    def forward(self, input: Tensor) -> Tensor:
        weight = self.weight
        if torch.is_autocast_enabled(input.device.type):
            precision = torch.get_autocast_dtype(input.device.type)
            input, weight = input.to(precision), weight.to(precision)
        elif self.kernel_size[1] <= FAST:
            return super().forward(input)
        output: Tensor = _Convolution.apply(input, weight, self.stride, self.padding)
        return output if self.bias is None else output + self.bias.to(output.dtype)[:, None, None]


class _Convolution(torch.autograd.Function):
    """Images (N, C, H, W) and weights (C, 1, kernel, kernel), of one precision."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, weight: Tensor, stride: Pair, padding: Pair) -> Tensor:
        ctx.save_for_backward(images, weight)
        ctx.stride, ctx.padding = stride, padding
        return F.conv2d(images, weight, None, stride, padding, groups=len(weight))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        images, weight = ctx.saved_tensors
        of_images = of_weight = None
        if ctx.needs_input_grad[0]:
            of_images = _of_images(gradient, images, weight, ctx.stride, ctx.padding)
        if ctx.needs_input_grad[1]:
            of_weight = _of_weight(gradient, images, weight, ctx.stride, ctx.padding)
        return of_images, of_weight, None, None


def _of_images(
    gradient: Tensor,
    images: Tensor,
    weight: Tensor,
    stride: Pair,
    padding: Pair,
) -> Tensor:
    precision = gradient.dtype if stride == (1, 1) else torch.float32
    found, _, _ = _gradients(
        gradient.to(precision),
        images.to(precision),
        weight.to(precision),
        stride,
        padding,
        (True, False, False),
    )
    return found.to(images.dtype)


def _of_weight(
    gradient: Tensor,
    images: Tensor,
    weight: Tensor,
    stride: Pair,
    padding: Pair,
) -> Tensor:
    """Column by column, `FAST` of them at a time, each from the pixels that it meets."""
    if weight.shape[3] <= FAST:
        return _gradients(gradient, images, weight, stride, padding, (False, True, False))[1]
    above, beside = padding
    padded = F.pad(images, (beside, beside))
    reach = (gradient.shape[3] - 1) * stride[1]
    found, start = [], 0
    for columns in weight.split(FAST, dim=3):
        width = columns.shape[3]
        met = padded[..., start : start + reach + width]
        _, part, _ = _gradients(gradient, met, columns, stride, (above, 0), (False, True, False))
        found.append(part)
        start += width
    return torch.cat(found, dim=3)


def _gradients(
    gradient: Tensor,
    images: Tensor,
    weight: Tensor,
    stride: Pair,
    padding: Pair,
    wanted: tuple[bool, bool, bool],
) -> tuple[Tensor, Tensor, Tensor]:
    """Torch's own gradients of a depthwise convolution: of images, weight and bias.

    `torch.nn.grad` has them too, but not in the images' layout: channels last it is slower.
    """
    found: tuple[Tensor, Tensor, Tensor] = torch.ops.aten.convolution_backward(
        *(gradient, images, weight, None),
        *(stride, padding, (1, 1), False, (0, 0), len(weight), wanted),
    )
    return found
