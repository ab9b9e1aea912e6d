"""The candidate: an immutable stack of layers, and all that follows from it without weights."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from math import prod
from typing import Any, Literal

from nas.architecture import document
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
from nas.errors import ArchitectureError

MAX_SIDE = 4_096
# What is read is refused above these, a thousand times what anything tiny needs.
MAX_PARAMS, MAX_MACS, MAX_RAM = 100_000_000, 10_000_000_000, 1_000_000_000

Dtype = Literal["float32", "int8"]
BYTES: dict[Dtype, int] = {"float32": 4, "int8": 1}


@dataclass(frozen=True, slots=True)
class LayerRow:
    """One line of the layer table."""

    number: int  # from 1
    layer: Layer
    call: Call
    source: int  # the number of the layer whose weights it has: its own, unless it is `shared`
    out_shape: Shape
    params: int
    statistics: int
    macs: int
    receptive_field: int  # side of the square of input pixels that one output pixel sees
    jump: int  # input pixels between neighbouring output pixels

    @property
    def text(self) -> str:
        """What makes it: its `torch.nn` call, or the layer whose weights it has."""
        return str(self.call) if self.source == self.number else f"layer {self.source} again"


@dataclass(frozen=True, slots=True)
class Stage:
    """A named run of layers: what a person would put into one `nn.Sequential`."""

    name: str
    start: int  # index of its first layer in the architecture
    layers: tuple[Layer, ...]


@dataclass(frozen=True)
class Architecture:
    """A stack of `layers` on images of `input_shape` (channels, height, width).

    Making one walks the shapes through the stack, so that one that exists can be built. Raises
    `ArchitectureError`, naming the layer, where a layer cannot stand. Layers count from 1.
    """

    input_shape: Shape
    layers: tuple[Layer, ...]
    # The shape before each layer, and at last the output's: one more than there are layers.
    shapes: tuple[Shape, ...] = field(init=False, repr=False, compare=False)
    # The index of the layer whose weights each layer has: its own, unless it is `shared`.
    sources: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "input_shape", tuple(self.input_shape))
        object.__setattr__(self, "layers", tuple(self.layers))
        _check_input(self.input_shape)
        if not 1 <= len(self.layers) <= document.MAX_LAYERS:
            raise ArchitectureError(
                f"an architecture has 1 to {document.MAX_LAYERS} layers, got {len(self.layers)}"
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
        last: dict[str, int] = {}  # where each call that has weights was made last
        sources = []
        for index, layer in enumerate(self.layers):
            source = index
            if isinstance(layer, Conv | DepthwiseConv):
                call = str(layer.call(self.shapes[index]))
                if layer.shared and call not in last:
                    raise ArchitectureError(
                        f"{type(layer).__name__} at layer {index + 1} is shared, and no layer "
                        f"before it is {call}: it needs one whose weights it has"
                    )
                source = last[call] if layer.shared else index
                last[call] = source
            sources.append(source)
        return tuple(sources)

    @property
    def out_shape(self) -> Shape:
        """The shape of the output for one image: `(classes,)` for a classifier."""
        return self.shapes[-1]

    @property
    def used_again(self) -> tuple[int, ...]:
        """The indices of the layers whose weights others have as well."""
        again = {source for index, source in enumerate(self.sources) if source < index}
        return tuple(sorted(again))

    def has(self, *kinds: type) -> bool:
        """Whether any of its layers is of one of these `kinds`."""
        return any(isinstance(layer, kinds) for layer in self.layers)

    @cached_property
    def params(self) -> int:
        """Trainable scalars: `sum(p.numel() for p in model.parameters())`."""
        return sum(row.params for row in self._costed)

    @cached_property
    def statistics(self) -> int:
        """Batch norm's running means and variances; `params + statistics` is Keras's total."""
        return sum(row.statistics for row in self._costed)

    @cached_property
    def macs(self) -> int:
        """Multiply-accumulates of convolutions and linear layers for one image."""
        return sum(row.macs for row in self._costed)

    @property
    def receptive_field(self) -> int:
        """Side of the square of input pixels behind one output value; it may exceed the image."""
        return self.table()[-1].receptive_field

    @property
    def peak_ram(self) -> int:
        """Peak bytes of activations in float32, the input included; see `ram`."""
        return self.ram("float32")

    def ram(self, dtype: Dtype = "float32", with_input: bool = True) -> int:
        """Peak bytes of activations while one image passes, layer by layer.

        A layer holds its input and its output at once, unless it can write over its input (batch
        norm, activations, dropout, flatten). `with_input=False` leaves the image itself out, for
        hardware that streams it in. Weights and a kernel's scratch space are not counted. The same
        definition, of a plain chain, as in uNAS and MCUNet.
        """
        peak = prod(self.input_shape) if with_input else 0
        for index, layer in enumerate(self.layers):
            if layer.in_place:
                continue
            held = 0 if index == 0 and not with_input else prod(self.shapes[index])
            peak = max(peak, held + prod(self.shapes[index + 1]))
        return peak * BYTES[dtype]

    def table(self) -> tuple[LayerRow, ...]:
        """One row a layer: shapes, costs, receptive field and jump.

        The receptive field grows by (kernel - 1) x jump and the jump by the stride, from 1 and 1.
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
        """The `torch.nn` constructor of each layer."""
        return tuple(
            layer.call(shape) for layer, shape in zip(self.layers, self.shapes, strict=False)
        )

    @cached_property
    def hash(self) -> str:
        """16 hexadecimal digits, the same for two stacks that make the same modules.

        It is taken over the `torch.nn` calls, so a layer that gains a field with a neutral default
        keeps its hash, and a depthwise convolution written in two ways has one.
        """
        calls = [
            str(row.call) if row.source == row.number else f"{row.call} of layer {row.source}"
            for row in self._costed
        ]
        text = "\n".join([show(self.input_shape), *calls])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def stages(self) -> tuple[Stage, ...]:
        """The layers in named runs: block1, block2, ... up to each downsampling, then the head.

        A block ends with the layer that makes the image smaller by pooling or a stride (and, behind
        a strided convolution, the norm, activation and dropout that belong to it). The head begins
        at the last layer with weights other than batch norm, or at the first layer that removes
        height and width, whichever comes first.
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
        """Whether the last layer before `index` that is not in place made the image smaller."""
        while index > 0:
            index -= 1
            if not self.layers[index].in_place:
                return self.layers[index].window(self.shapes[index])[1] > 1
        return False

    def summary(self) -> str:
        """One readable line: `8 12 M 16k5 10k1 gap, SiLU`.

        A number is a convolution's width (kernel 3 unless `k` says otherwise, `/2` its stride,
        `g4` its groups, `v` if it is not padded), `dw` a depthwise convolution, either with `=`
        before it if it has the weights of the last one like it, `M` and `A` max and average
        pooling, `gap` global average pooling, `fc10` a linear layer. What is not batch norm and
        ReLU without dropout is named after them: `, no BN, SiLU, dropout 0.06`.
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
        """A dictionary that JSON can hold; `from_json` reads it."""
        return document.write(self.input_shape, self.layers)

    @classmethod
    def from_json(cls, value: Mapping[str, Any] | str) -> "Architecture":
        """The architecture that `to_json` wrote, as a dictionary or as text.

        Only the known layers with values in their ranges are accepted, and no network that is far
        too large for what this is for: it may come from anywhere, and is built and trained. Raises
        `ArchitectureError` for anything else.
        """
        input_shape, layers = document.read(value)
        read = cls(input_shape, layers)
        for what, cost, most in (
            ("parameters", read.params, MAX_PARAMS),
            ("MACs", read.macs, MAX_MACS),
            ("bytes of activations", read.peak_ram, MAX_RAM),
        ):
            if cost > most:
                raise ArchitectureError(
                    f"an architecture has at most {most:,} {what}, got {cost:,}"
                )
        return read


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
