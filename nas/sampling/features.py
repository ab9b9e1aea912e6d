"""An architecture as numbers, for the model that predicts its error and for the report."""

from dataclasses import dataclass, fields
from math import log, prod

from nas.architecture import (
    Architecture,
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
    SiLU,
)


@dataclass(frozen=True, slots=True)
class Features:
    """Numbers that follow from the layers alone, so that every search space has them.

    Widths are channels of convolutions, without a last one that has a channel per class: it is the
    head. Shares are of all convolutions.
    """

    params: int
    macs: int
    peak_ram: int
    receptive_field: int
    depth: int  # convolutions and linear layers
    depthwise: float  # share
    kernel_5: float  # share
    batch_norm: bool
    silu: bool
    dropout: float  # the highest rate
    channel_dropout: float
    shared: float  # share
    max_pools: int
    average_pools: int
    strides: int  # convolutions with a stride above 1
    global_pool: bool
    flattened: int  # values before a Flatten
    narrowest: int
    first_width: int
    widest: int
    last_width: int
    total_width: int
    side_before_head: int
    full_size: float  # share with an output as large as the image

    def vector(self) -> list[float]:
        """All numbers in order, sizes as logarithms."""
        values = ((field.name, float(getattr(self, field.name))) for field in fields(self))
        return [log(max(1.0, value)) if name in LOGARITHMIC else value for name, value in values]


LOGARITHMIC = (
    "params",
    "macs",
    "peak_ram",
    "receptive_field",
    "flattened",
    "narrowest",
    "first_width",
    "widest",
    "last_width",
    "total_width",
    "side_before_head",
)


def features(architecture: Architecture) -> Features:
    """The features of `architecture`."""
    layers, shapes = architecture.layers, architecture.shapes
    inputs = list(zip(layers, shapes, strict=False))
    convs = [
        (layer, shape)
        for layer, shape in zip(layers, shapes[1:], strict=True)
        if isinstance(layer, Conv | DepthwiseConv)
    ]
    count = max(1, len(convs))
    body = convs[:-1] if convs and convs[-1][1][0] == shapes[-1][0] else convs
    widths = [shape[0] for _, shape in body] or [shapes[0][0]]
    sides = [shape[1] for _, shape in convs] or [1]
    head = GlobalAvgPool | Flatten | Linear
    before_head = next((shape for layer, shape in inputs if isinstance(layer, head)), shapes[0])
    return Features(
        params=architecture.params,
        macs=architecture.macs,
        peak_ram=architecture.peak_ram,
        receptive_field=architecture.receptive_field,
        depth=len(convs) + sum(isinstance(layer, Linear) for layer in layers),
        depthwise=sum(isinstance(layer, DepthwiseConv) for layer, _ in convs) / count,
        kernel_5=sum(layer.kernel == 5 for layer, _ in convs) / count,
        batch_norm=architecture.has(BatchNorm),
        silu=architecture.has(SiLU),
        dropout=max((x.rate for x in layers if isinstance(x, Dropout)), default=0.0),
        channel_dropout=max((x.rate for x in layers if isinstance(x, ChannelDropout)), default=0.0),
        shared=sum(layer.shared for layer, _ in convs) / count,
        max_pools=sum(isinstance(layer, MaxPool) for layer in layers),
        average_pools=sum(isinstance(layer, AvgPool) for layer in layers),
        strides=sum(layer.stride > 1 for layer, _ in convs),
        global_pool=architecture.has(GlobalAvgPool),
        flattened=prod(
            side for layer, shape in inputs if isinstance(layer, Flatten) for side in shape
        ),
        narrowest=min(widths),
        first_width=widths[0],
        widest=max(widths),
        last_width=widths[-1],
        total_width=sum(widths),
        side_before_head=before_head[-1],
        full_size=sum(side == shapes[0][1] for side in sides) / len(sides),
    )
