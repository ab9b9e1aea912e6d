"""The interface of a layer, its `torch.nn` call, and the registry of layers."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, TypeVar, dataclass_transform

Shape = tuple[int, ...]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call:
    """A `torch.nn` constructor call. `build` makes it and exporters print it, so both agree.

    >>> str(Call("Conv2d", (1, 8), {"kernel_size": 3, "bias": False}))
    'Conv2d(1, 8, kernel_size=3, bias=False)'
    """

    name: str
    args: tuple[int | float, ...] = ()
    kwargs: Mapping[str, int | float | bool] = field(default_factory=dict)

    def __str__(self) -> str:
        arguments = [repr(value) for value in self.args]
        arguments += [f"{key}={value!r}" for key, value in self.kwargs.items()]
        return f"{self.name}({', '.join(arguments)})"


class Layer(ABC):
    """The interface of a layer. Its methods take the shape of the layer's input.

    All methods raise `ArchitectureError` if the layer does not fit that shape. The message
    continues the sentence "<layer> at layer <n> ...".
    """

    __slots__ = ()

    # Whether it can overwrite its input at inference and so needs no output buffer.
    in_place: ClassVar[bool] = False

    @abstractmethod
    def out_shape(self, shape: Shape) -> Shape:
        """Output shape for an input of `shape`."""

    @abstractmethod
    def call(self, shape: Shape) -> Call:
        """The `torch.nn` constructor call for an input of `shape`."""

    def params(self, shape: Shape) -> int:  # noqa: ARG002 - most layers have none
        """Number of its own trainable scalars, including biases and batch norm's affine pair."""
        return 0

    def statistics(self, shape: Shape) -> int:  # noqa: ARG002 - most layers have none
        """Number of batch norm's running statistics: buffers, which Keras counts as parameters."""
        return 0

    def macs(self, shape: Shape) -> int:  # noqa: ARG002 - most layers have none
        """Multiply-accumulates per image, of convolutions and linear layers only.

        Biases, batch norm (which folds into a convolution), activations and pooling count as none.
        """
        return 0

    def window(self, shape: Shape) -> tuple[int, int]:  # noqa: ARG002 - most layers see one pixel
        """Kernel and stride: the side of the input square that one output pixel sees, and the step
        between neighbouring outputs, both in input pixels."""
        return 1, 1


LAYERS: dict[str, type[Layer]] = {}


@dataclass_transform(frozen_default=True)
def layer(cls: type[T]) -> type[T]:
    """Class decorator: makes `cls` a frozen dataclass and registers it in `LAYERS`."""
    made = dataclass(frozen=True, slots=True)(cls)
    LAYERS[cls.__name__] = made  # type: ignore[assignment]
    return made


def show(shape: Shape) -> str:
    """`shape` as text: 16 x 13 x 13."""
    return " x ".join(str(side) for side in shape)
