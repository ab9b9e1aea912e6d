"""An architecture in numbers, for a model that predicts how well it will do."""

from math import log

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

NAMES = (
    *("log params", "log macs", "log peak ram", "log receptive field"),
    *("depth", "depthwise", "5 x 5", "batch norm", "silu", "dropout", "channel dropout"),
    "shared",
    *("max pools", "average pools", "strides", "gap", "log flattened"),
    *("log narrowest", "log first width", "log widest", "log last width", "log features"),
    *("log side before head", "share at full size"),
)


def features(architecture: Architecture) -> list[float]:
    """The numbers that `NAMES` names. They follow from the layers alone, so any space has them."""
    layers, shapes = architecture.layers, architecture.shapes
    convs = [
        (layer, shape)
        for layer, shape in zip(layers, shapes[1:], strict=True)
        if isinstance(layer, Conv | DepthwiseConv)
    ]
    # The last convolution may be the head, with a channel a class: it says nothing of width.
    body = convs[:-1] if convs and convs[-1][1][0] == shapes[-1][0] else convs
    widths = [shape[0] for _, shape in body] or [shapes[0][0]]
    sides = [shape[1] for _, shape in convs] or [1]
    before_head = next(
        (shape for layer, shape in zip(layers, shapes, strict=False) if _ends(layer)), shapes[0]
    )
    dropouts = [layer.rate for layer in layers if isinstance(layer, Dropout)]
    channels = [layer.rate for layer in layers if isinstance(layer, ChannelDropout)]
    flattened = 1
    for layer, shape in zip(layers, shapes, strict=False):
        if isinstance(layer, Flatten):
            for side in shape:
                flattened *= side
    return [
        log(max(1, architecture.params)),
        log(max(1, architecture.macs)),
        log(max(1, architecture.peak_ram)),
        log(max(1, architecture.receptive_field)),
        len(convs) + sum(isinstance(layer, Linear) for layer in layers),
        sum(isinstance(layer, DepthwiseConv) for layer, _ in convs) / max(1, len(convs)),
        sum(layer.kernel == 5 for layer, _ in convs) / max(1, len(convs)),
        float(architecture.has(BatchNorm)),
        float(architecture.has(SiLU)),
        max(dropouts, default=0.0),
        max(channels, default=0.0),
        sum(layer.shared for layer, _ in convs) / max(1, len(convs)),
        sum(isinstance(layer, MaxPool) for layer in layers),
        sum(isinstance(layer, AvgPool) for layer in layers),
        sum(layer.stride > 1 for layer, _ in convs),
        float(architecture.has(GlobalAvgPool)),
        log(flattened),
        log(min(widths)),
        log(widths[0]),
        log(max(widths)),
        log(widths[-1]),
        log(sum(widths)),
        log(before_head[-1]),
        sum(side == shapes[0][1] for side in sides) / max(1, len(sides)),
    ]


def _ends(layer: object) -> bool:
    """Whether the head begins here, or one layer before."""
    return isinstance(layer, GlobalAvgPool | Flatten | Linear)
