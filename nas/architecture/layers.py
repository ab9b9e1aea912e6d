"""The layers: frozen values that compute their shapes and costs without torch.

A shape is `(channels, height, width)`, or `(features,)` after a `Flatten`, without the batch
dimension. To add a layer, write one class with `@layer`; JSON, the module, the exporters and the
tests of the cost formulas then include it.
"""

from dataclasses import dataclass
from math import prod
from typing import ClassVar, Literal

from nas.architecture.base import Call, Layer, Shape, layer, show
from nas.errors import ArchitectureError

Padding = Literal["same", "valid"]

MAX_WIDTH = 65_536  # far above a tiny network; stops absurd input from allocating memory
MAX_KERNEL = 64


@layer
class Conv(Layer):
    """A convolution to `width` channels; "same" pads by `kernel // 2` on each side.

    With `shared` it reuses the weights of the last preceding convolution with the same `torch.nn`
    call, and has no parameters of its own.
    """

    width: int
    kernel: int = 3
    padding: Padding = "same"
    stride: int = 1
    bias: bool = True
    groups: int = 1
    shared: bool = False

    def __post_init__(self) -> None:
        _check_convolution(self.kernel, self.padding, self.stride, self.bias, self.shared)
        _check_int("width", self.width, 1, MAX_WIDTH)
        _check_int("groups", self.groups, 1, MAX_WIDTH)
        if self.width % self.groups:
            raise ArchitectureError(
                f"needs a width that its groups divide, got width {self.width} "
                f"and groups {self.groups}: choose a multiple"
            )

    def out_shape(self, shape: Shape) -> Shape:
        channels, height, width = _image(shape)
        if channels % self.groups:
            raise ArchitectureError(
                f"needs input channels that its groups divide, got {channels} channels "
                f"and groups {self.groups}: choose groups that divide both"
            )
        size = _slide((height, width), self.kernel, self.stride, _pad(self.kernel, self.padding))
        return (self.width, *size)

    def params(self, shape: Shape) -> int:
        if self.shared:
            return 0
        return self.width * (shape[0] // self.groups * self.kernel**2 + self.bias)

    def macs(self, shape: Shape) -> int:
        return prod(self.out_shape(shape)) * (shape[0] // self.groups) * self.kernel**2

    def window(self, shape: Shape) -> tuple[int, int]:  # noqa: ARG002
        return self.kernel, self.stride

    def call(self, shape: Shape) -> Call:
        options = _convolution_options(self.kernel, self.padding, self.stride, self.bias)
        if self.groups > 1:
            options["groups"] = self.groups
        return Call("Conv2d", (shape[0], self.width), options)


@layer
class DepthwiseConv(Layer):
    """A convolution with one kernel per channel; the width stays the same.

    `shared` as in `Conv`.
    """

    kernel: int = 3
    padding: Padding = "same"
    stride: int = 1
    bias: bool = True
    shared: bool = False

    def __post_init__(self) -> None:
        _check_convolution(self.kernel, self.padding, self.stride, self.bias, self.shared)

    def out_shape(self, shape: Shape) -> Shape:
        channels, height, width = _image(shape)
        size = _slide((height, width), self.kernel, self.stride, _pad(self.kernel, self.padding))
        return (channels, *size)

    def params(self, shape: Shape) -> int:
        return 0 if self.shared else shape[0] * (self.kernel**2 + self.bias)

    def macs(self, shape: Shape) -> int:
        return prod(self.out_shape(shape)) * self.kernel**2

    def window(self, shape: Shape) -> tuple[int, int]:  # noqa: ARG002
        return self.kernel, self.stride

    def call(self, shape: Shape) -> Call:
        options = _convolution_options(self.kernel, self.padding, self.stride, self.bias)
        if shape[0] > 1:
            options["groups"] = shape[0]
        return Call("Conv2d", (shape[0], shape[0]), options)


class _InPlace(Layer):
    """A layer that keeps the shape and can overwrite its input."""

    __slots__ = ()
    in_place: ClassVar[bool] = True

    def out_shape(self, shape: Shape) -> Shape:
        return shape


@layer
class BatchNorm(_InPlace):
    """Batch norm over the channels of an image, or over the features after a `Flatten`."""

    def params(self, shape: Shape) -> int:
        return 2 * shape[0]

    def statistics(self, shape: Shape) -> int:
        return 2 * shape[0]

    def call(self, shape: Shape) -> Call:
        return Call("BatchNorm2d" if len(shape) == 3 else "BatchNorm1d", (shape[0],))


@layer
class ReLU(_InPlace):
    """max(0, x)."""

    def call(self, shape: Shape) -> Call:  # noqa: ARG002
        return Call("ReLU")


@layer
class SiLU(_InPlace):
    """x * sigmoid(x)."""

    def call(self, shape: Shape) -> Call:  # noqa: ARG002
        return Call("SiLU")


@dataclass(frozen=True, slots=True)
class _Dropout(_InPlace):
    rate: float

    def __post_init__(self) -> None:
        if type(self.rate) not in (int, float) or not 0 <= self.rate < 1:
            raise ArchitectureError(
                f"needs a rate from 0 up to but not including 1, got {self.rate!r}"
            )


@layer
class Dropout(_Dropout):
    """Zeroes single values with probability `rate` in training."""

    def call(self, shape: Shape) -> Call:  # noqa: ARG002
        return Call("Dropout", (), {"p": self.rate})


@layer
class ChannelDropout(_Dropout):
    """Zeroes whole channels with probability `rate` in training."""

    def out_shape(self, shape: Shape) -> Shape:
        return _image(shape)

    def call(self, shape: Shape) -> Call:  # noqa: ARG002
        return Call("Dropout2d", (), {"p": self.rate})


@dataclass(frozen=True, slots=True)
class _Pool(Layer):
    kernel: int = 2

    def __post_init__(self) -> None:
        _check_int("kernel", self.kernel, 2, MAX_KERNEL)

    def out_shape(self, shape: Shape) -> Shape:
        channels, height, width = _image(shape)
        if min(height, width) < self.kernel:
            raise ArchitectureError(
                f"needs height and width >= {self.kernel}, got {show(shape)}: place fewer pools"
            )
        return channels, height // self.kernel, width // self.kernel

    def window(self, shape: Shape) -> tuple[int, int]:  # noqa: ARG002
        return self.kernel, self.kernel


@layer
class MaxPool(_Pool):
    """The largest value of each `kernel` x `kernel` square, in steps of `kernel`."""

    def call(self, shape: Shape) -> Call:  # noqa: ARG002
        return Call("MaxPool2d", (self.kernel,))


@layer
class AvgPool(_Pool):
    """The mean of each `kernel` x `kernel` square, in steps of `kernel`."""

    def call(self, shape: Shape) -> Call:  # noqa: ARG002
        return Call("AvgPool2d", (self.kernel,))


@layer
class GlobalAvgPool(Layer):
    """The mean of each channel: 1 x 1."""

    def out_shape(self, shape: Shape) -> Shape:
        return (_image(shape)[0], 1, 1)

    def window(self, shape: Shape) -> tuple[int, int]:
        return max(shape[1:]), 1

    def call(self, shape: Shape) -> Call:  # noqa: ARG002
        return Call("AdaptiveAvgPool2d", (1,))


@layer
class Flatten(Layer):
    """Reshapes an image into one row of features."""

    in_place: ClassVar[bool] = True

    def out_shape(self, shape: Shape) -> Shape:
        return (prod(_image(shape)),)

    def window(self, shape: Shape) -> tuple[int, int]:
        return max(shape[1:]), 1

    def call(self, shape: Shape) -> Call:  # noqa: ARG002
        return Call("Flatten")


@layer
class Linear(Layer):
    """A linear layer to `width` features."""

    width: int
    bias: bool = True

    def __post_init__(self) -> None:
        _check_int("width", self.width, 1, MAX_WIDTH)
        _check_bool("bias", self.bias)

    def out_shape(self, shape: Shape) -> Shape:
        if len(shape) != 1:
            raise ArchitectureError(
                f"needs a row of features, got {show(shape)}: place a Flatten before it"
            )
        return (self.width,)

    def params(self, shape: Shape) -> int:
        return self.width * (shape[0] + self.bias)

    def macs(self, shape: Shape) -> int:
        return self.width * shape[0]

    def call(self, shape: Shape) -> Call:
        options = {} if self.bias else {"bias": False}
        return Call("Linear", (shape[0], self.width), options)


def _image(shape: Shape) -> tuple[int, int, int]:
    if len(shape) != 3:
        raise ArchitectureError(
            f"needs channels x height x width, got {show(shape)}: place it before the Flatten"
        )
    return shape[0], shape[1], shape[2]


def _pad(kernel: int, padding: Padding) -> int:
    return kernel // 2 if padding == "same" else 0


def _slide(size: tuple[int, int], kernel: int, stride: int, pad: int) -> tuple[int, int]:
    """Output height and width of a window that slides over `size`, padded by `pad` per side."""
    if min(size) + 2 * pad < kernel:
        raise ArchitectureError(
            f"needs height and width >= {kernel - 2 * pad}, got {show(size)}: "
            "choose a smaller kernel, or place fewer pools before it"
        )
    height, width = ((side + 2 * pad - kernel) // stride + 1 for side in size)
    return height, width


def _convolution_options(
    kernel: int, padding: Padding, stride: int, bias: bool
) -> dict[str, int | float | bool]:
    """Keyword arguments of `Conv2d` that differ from its defaults."""
    options: dict[str, int | float | bool] = {"kernel_size": kernel}
    if stride > 1:
        options["stride"] = stride
    if _pad(kernel, padding):
        options["padding"] = _pad(kernel, padding)
    if not bias:
        options["bias"] = False
    return options


def _check_convolution(
    kernel: int, padding: Padding, stride: int, bias: bool, shared: bool
) -> None:
    _check_int("kernel", kernel, 1, MAX_KERNEL)
    _check_int("stride", stride, 1, MAX_KERNEL)
    _check_bool("bias", bias)
    _check_bool("shared", shared)
    if padding not in ("same", "valid"):
        raise ArchitectureError(f"needs a padding of 'same' or 'valid', got {padding!r}")
    if padding == "same" and kernel % 2 == 0:
        raise ArchitectureError(
            f"needs an odd kernel for padding 'same', got {kernel}: use an odd one, or 'valid'"
        )


def _check_int(name: str, value: int, low: int, high: int) -> None:
    if type(value) is not int or not low <= value <= high:
        raise ArchitectureError(
            f"needs a {name} that is a whole number from {low} to {high}, got {value!r}"
        )


def _check_bool(name: str, value: bool) -> None:
    if type(value) is not bool:
        raise ArchitectureError(f"needs a {name} that is true or false, got {value!r}")
