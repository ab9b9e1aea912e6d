"""What a layer is: its questions, its `torch.nn` call, and the catalogue that it enters."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, TypeVar, dataclass_transform

Shape = tuple[int, ...]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call:
    """A constructor of `torch.nn`: `build` makes it, an exporter prints it, so they cannot drift.

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
    """What every layer can tell of itself, given the shape that it receives.

    All methods raise `ArchitectureError` if the layer cannot stand on that shape; the message is
    the part of the sentence behind "<layer> at layer <n>".
    """

    __slots__ = ()

    # At inference it can overwrite its input: it needs no buffer of its own.
    in_place: ClassVar[bool] = False

    @abstractmethod
    def out_shape(self, shape: Shape) -> Shape:
        """The shape it gives for an input of `shape`."""

    @abstractmethod
    def call(self, shape: Shape) -> Call:
        """The `torch.nn` constructor that makes it for an input of `shape`."""

    def params(self, shape: Shape) -> int:  # noqa: ARG002 - most layers have none
        """Trainable scalars of its own, biases and batch norm's affine pair included."""
        return 0

    def statistics(self, shape: Shape) -> int:  # noqa: ARG002 - most layers have none
        """Batch norm's running means and variances: buffers, which Keras counts as parameters."""
        return 0

    def macs(self, shape: Shape) -> int:  # noqa: ARG002 - most layers have none
        """Multiply-accumulates for one image, of convolutions and linear layers.

        Biases, batch norm (which folds into a convolution), activations and pooling count none.
        """
        return 0

    def window(self, shape: Shape) -> tuple[int, int]:  # noqa: ARG002 - most layers see one pixel
        """The side of the square that one output pixel sees of this layer's input, and the step
        between neighbouring outputs, both in input pixels."""
        return 1, 1


LAYERS: dict[str, type[Layer]] = {}


@dataclass_transform(frozen_default=True)
def layer(cls: type[T]) -> type[T]:
    """Make `cls` a frozen dataclass and enter it in the catalogue of layers, `LAYERS`."""
    made = dataclass(frozen=True, slots=True)(cls)
    LAYERS[cls.__name__] = made  # type: ignore[assignment]
    return made


def show(shape: Shape) -> str:
    """`shape` as a person reads it: 16 x 13 x 13."""
    return " x ".join(str(side) for side in shape)
