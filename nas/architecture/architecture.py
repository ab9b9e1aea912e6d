"""The candidate: an immutable stack of layers, and everything computed from it without weights."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from math import prod
from typing import Any, Literal

from nas.architecture.base import Call, Layer, Shape, show
from nas.architecture.layers import (
    AvgPool,
    BatchNorm,
    ChannelDropout,
    Conv,
    DepthwiseConv,
    Dropout,
    Flatten,
    GlobalAvgPool,
    Linear,
    MaxPool,
    ReLU,
    SiLU,
)
from nas.architecture.serialization import MAX_LAYERS, read, write
from nas.errors import ArchitectureError

MAX_SIDE = 4_096
# Limits on architectures read from JSON: a thousand times what a tiny network needs.
MAX_PARAMS, MAX_MACS, MAX_RAM = 100_000_000, 10_000_000_000, 1_000_000_000

Dtype = Literal["float32", "int8"]
BYTES: dict[Dtype, int] = {"float32": 4, "int8": 1}


@dataclass(frozen=True, slots=True)
class LayerRow:
    """One line of the layer table."""

    number: int  # from 1
    layer: Layer
    call: Call
    source: int  # number of the layer that owns the weights: its own, unless it is `shared`
    out_shape: Shape
    params: int
    statistics: int
    macs: int
    receptive_field: int  # side of the square of input pixels that one output pixel sees
    jump: int  # input pixels between neighbouring output pixels

    @property
    def text(self) -> str:
        """The layer's `torch.nn` call, or the number of the layer whose weights it shares."""
        return str(self.call) if self.source == self.number else f"layer {self.source} again"


@dataclass(frozen=True, slots=True)
class Stage:
    """A named run of layers, which becomes one `nn.Sequential`."""

    name: str
    start: int  # index of its first layer in the architecture
    layers: tuple[Layer, ...]


@dataclass(frozen=True)
class Architecture:
    """A stack of `layers` on images of `input_shape` (channels, height, width).

    The constructor propagates the shapes, so every instance can be built. Raises
    `ArchitectureError`, naming the layer by its number from 1, if a layer does not fit its input.
    """

    input_shape: Shape
    layers: tuple[Layer, ...]
    # The input shape of each layer, then the output shape: one more than there are layers.
    shapes: tuple[Shape, ...] = field(init=False, repr=False, compare=False)
    # The index of the layer that owns each layer's weights: its own, unless it is `shared`.
    sources: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "input_shape", tuple(self.input_shape))
        object.__setattr__(self, "layers", tuple(self.layers))
        _check_input(self.input_shape)
        if not 1 <= len(self.layers) <= MAX_LAYERS:
            raise ArchitectureError(
                f"an architecture has 1 to {MAX_LAYERS} layers, got {len(self.layers)}"
            )
        shapes = [self.input_shape]
        for number, layer in enumerate(self.layers, start=1):
            try:
                shapes.append(layer.out_shape(shapes[-1]))
            except ArchitectureError as error:
                name = type(layer).__name__
                raise ArchitectureError(f"{name} at layer {number} {error}") from None
        object.__setattr__(self, "shapes", tuple(shapes))
        object.__setattr__(self, "sources", self._sources())

    def _sources(self) -> tuple[int, ...]:
        if not any(getattr(layer, "shared", False) for layer in self.layers):
            return tuple(range(len(self.layers)))
        last: dict[str, int] = {}  # index of the last owner of weights for each call
        sources = []
        for index, layer in enumerate(self.layers):
            source = index
            if isinstance(layer, Conv | DepthwiseConv):
                call = str(layer.call(self.shapes[index]))
                if layer.shared and call not in last:
                    raise ArchitectureError(
                        f"{type(layer).__name__} at layer {index + 1} is shared, and no layer "
                        f"before it is {call}: it needs one to share weights with"
                    )
                source = last[call] if layer.shared else index
                last[call] = source
            sources.append(source)
        return tuple(sources)

    @property
    def out_shape(self) -> Shape:
        """Output shape for one image: `(classes,)` for a classifier."""
        return self.shapes[-1]

    @property
    def used_again(self) -> tuple[int, ...]:
        """Indices of the layers whose weights other layers share."""
        again = {source for index, source in enumerate(self.sources) if source < index}
        return tuple(sorted(again))

    def has(self, *kinds: type) -> bool:
        """Whether any layer is of one of these `kinds`."""
        return any(isinstance(layer, kinds) for layer in self.layers)

    @cached_property
    def params(self) -> int:
        """Number of trainable scalars: `sum(p.numel() for p in model.parameters())`."""
        return sum(row.params for row in self._costed)

    @cached_property
    def statistics(self) -> int:
        """Number of batch norm's running statistics; `params + statistics` is Keras's total."""
        return sum(row.statistics for row in self._costed)

    @cached_property
    def macs(self) -> int:
        """Multiply-accumulates of convolutions and linear layers per image."""
        return sum(row.macs for row in self._costed)

    @property
    def receptive_field(self) -> int:
        """Side of the input square that affects one output value; it may exceed the image."""
        return self.table()[-1].receptive_field

    @property
    def peak_ram(self) -> int:
        """Peak bytes of activations in float32, input included; see `ram`."""
        return self.ram("float32")

    def ram(self, dtype: Dtype = "float32", with_input: bool = True) -> int:
        """Peak bytes of activations for one image, computed layer by layer.

        A layer needs memory for its input and its output, unless it works in place (batch norm,
        activations, dropout, flatten). `with_input=False` leaves out the image, for hardware that
        streams it in. Weights and scratch buffers are not counted. For a plain chain of layers,
        uNAS and MCUNet use the same definition.
        """
        peak = prod(self.input_shape) if with_input else 0
        for index, layer in enumerate(self.layers):
            if layer.in_place:
                continue
            held = 0 if index == 0 and not with_input else prod(self.shapes[index])
            peak = max(peak, held + prod(self.shapes[index + 1]))
        return peak * BYTES[dtype]

    def table(self) -> tuple[LayerRow, ...]:
        """One row per layer: shapes, costs, receptive field and jump.

        Both start at 1; each layer adds (kernel - 1) x jump to the receptive field and multiplies
        the jump by its stride.
        """
        return self._costed

    @cached_property
    def _costed(self) -> tuple[LayerRow, ...]:
        rows = []
        receptive_field, jump = 1, 1
        calls = self.calls()
        for index, layer in enumerate(self.layers):
            shape = self.shapes[index]
            kernel, stride = layer.window(shape)
            receptive_field += (kernel - 1) * jump
            jump *= stride
            rows.append(
                LayerRow(
                    number=index + 1,
                    layer=layer,
                    call=calls[index],
                    source=self.sources[index] + 1,
                    out_shape=self.shapes[index + 1],
                    params=layer.params(shape),
                    statistics=layer.statistics(shape),
                    macs=layer.macs(shape),
                    receptive_field=receptive_field,
                    jump=jump,
                )
            )
        return tuple(rows)

    def calls(self) -> tuple[Call, ...]:
        """The `torch.nn` constructor call of each layer."""
        return tuple(
            layer.call(shape) for layer, shape in zip(self.layers, self.shapes, strict=False)
        )

    @cached_property
    def hash(self) -> str:
        """16 hexadecimal digits, equal for two architectures that build the same modules.

        Computed from the `torch.nn` calls, so a new layer field with a neutral default keeps old
        hashes valid, and both ways to write a depthwise convolution have the same hash.
        """
        calls = [
            str(row.call) if row.source == row.number else f"{row.call} of layer {row.source}"
            for row in self._costed
        ]
        text = "\n".join([show(self.input_shape), *calls])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def stages(self) -> tuple[Stage, ...]:
        """The layers in named runs: block1, block2, ..., each ending with downsampling, then head.

        A block ends with the layer that makes the image smaller by pooling or a stride, or with the
        norm, activation and dropout after such a strided convolution. The head begins at the last
        layer with weights other than batch norm, or at the first layer that removes height and
        width, whichever comes first.
        """
        weighted = (Conv, DepthwiseConv, Linear)
        last = max((i for i, x in enumerate(self.layers) if isinstance(x, weighted)), default=0)
        flat = (GlobalAvgPool, Flatten)
        head = min([last, *(i for i, layer in enumerate(self.layers) if isinstance(layer, flat))])
        starts = [0]
        for index in range(1, head):
            kernel_after = not self.layers[index].in_place
            if kernel_after and self._downsampled_before(index):
                starts.append(index)
        names = [f"block{number}" for number in range(1, len(starts) + 1)]
        if head == 0:
            starts, names = [], []
        bounds = [*starts, head, len(self.layers)]
        return tuple(
            Stage(name, start, self.layers[start:end])
            for name, (start, end) in zip([*names, "head"], pairwise(bounds), strict=True)
        )

    def _downsampled_before(self, index: int) -> bool:
        """Whether the last layer before `index` that is not in-place made the image smaller."""
        while index > 0:
            index -= 1
            if not self.layers[index].in_place:
                return self.layers[index].window(self.shapes[index])[1] > 1
        return False

    def summary(self) -> str:
        """One readable line: `8 12 M 16k5 10k1 gap, SiLU`.

        A number is the width of a convolution, with its kernel (`k5`) unless that is 3, its stride
        (`/2`), its groups (`g4`), and `v` without padding. `dw` is a depthwise convolution; `=`
        before either shares the weights of the last such layer. `M` and `A` are max and average
        pooling, `gap` is global average pooling, `fc10` a linear layer. Deviations from batch norm,
        ReLU and no dropout follow: `, no BN, SiLU, dropout 0.06`.
        """
        layers = " ".join(text for layer in self.layers if (text := _short(layer)))
        return ", ".join([layers, *self._style()])

    def _style(self) -> list[str]:
        style = [] if self.has(BatchNorm) else ["no BN"]
        activations = [kind for kind in (ReLU, SiLU) if self.has(kind)]
        if activations != [ReLU]:
            names = " and ".join(kind.__name__ for kind in activations)
            style.append(names or "no activation")
        for kind, name in ((Dropout, "dropout"), (ChannelDropout, "channel dropout")):
            rates = {layer.rate for layer in self.layers if isinstance(layer, kind)}
            if rates:
                style.append(f"{name} " + " and ".join(f"{rate:g}" for rate in sorted(rates)))
        return style

    def to_json(self) -> dict[str, Any]:
        """A JSON-serialisable dictionary that `from_json` reads."""
        return write(self.input_shape, self.layers)

    @classmethod
    def from_json(cls, value: Mapping[str, Any] | str) -> "Architecture":
        """The architecture that `to_json` wrote, from a dictionary or from text.

        The input is not trusted, because the architecture will be built and trained: raises
        `ArchitectureError` unless it has only known layers, values in their ranges, and a size
        below the limits above.
        """
        architecture = cls(*read(value))
        for what, cost, most in (
            ("parameters", architecture.params, MAX_PARAMS),
            ("MACs", architecture.macs, MAX_MACS),
            ("bytes of activations", architecture.peak_ram, MAX_RAM),
        ):
            if cost > most:
                raise ArchitectureError(
                    f"an architecture has at most {most:,} {what}, got {cost:,}"
                )
        return architecture


def _check_input(shape: Shape) -> None:
    sides = all(type(side) is int and 1 <= side <= MAX_SIDE for side in shape)
    if len(shape) != 3 or not sides:
        raise ArchitectureError(
            f"an input is channels x height x width, each from 1 to {MAX_SIDE}, got {shape!r}"
        )


def _short(layer: Layer) -> str:
    match layer:
        case Conv():
            kernel = f"k{layer.kernel}" if layer.kernel != 3 else ""
            groups = f"g{layer.groups}" if layer.groups > 1 else ""
            return _again(layer) + f"{layer.width}{kernel}{groups}" + _window(layer)
        case DepthwiseConv():
            kernel = f"{layer.kernel}" if layer.kernel != 3 else ""
            return _again(layer) + f"dw{kernel}" + _window(layer)
        case MaxPool():
            return "M" if layer.kernel == 2 else f"M{layer.kernel}"
        case AvgPool():
            return "A" if layer.kernel == 2 else f"A{layer.kernel}"
        case GlobalAvgPool():
            return "gap"
        case Linear():
            return f"fc{layer.width}"
    return ""


def _again(layer: Conv | DepthwiseConv) -> str:
    return "=" if layer.shared else ""


def _window(layer: Conv | DepthwiseConv) -> str:
    valid = "v" if layer.padding == "valid" and layer.kernel > 1 else ""
    return valid + (f"/{layer.stride}" if layer.stride > 1 else "")
