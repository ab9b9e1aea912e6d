"""Random architectures for property tests."""

from dataclasses import replace

from hypothesis import strategies as st

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
    Layer,
    Linear,
    MaxPool,
    ReLU,
    SiLU,
)
from nas.errors import ArchitectureError

kernels = st.sampled_from([1, 3, 5, 7])
paddings = st.sampled_from(["same", "valid"])
strides = st.sampled_from([1, 1, 2, 3])
rates = st.sampled_from([0.0, 0.1, 0.5])

grouped = st.tuples(st.sampled_from([1, 2, 3, 6]), st.sampled_from([1, 1, 1, 2, 4]))
plain = st.builds(
    lambda per_group, kernel, padding, stride, bias: Conv(
        per_group[0] * per_group[1], kernel, padding, stride, bias, groups=per_group[1]
    ),
    grouped,
    kernels,
    paddings,
    strides,
    st.booleans(),
)
depthwise = st.builds(DepthwiseConv, kernels, paddings, strides, st.booleans())
convolutions = plain | depthwise
image_layers = st.one_of(
    convolutions,
    convolutions,
    st.builds(BatchNorm),
    st.builds(ReLU),
    st.builds(SiLU),
    st.builds(Dropout, rates),
    st.builds(ChannelDropout, rates),
    st.builds(MaxPool, st.sampled_from([2, 3])),
    st.builds(AvgPool, st.sampled_from([2, 3])),
    st.builds(GlobalAvgPool),
)
feature_layers = st.one_of(
    st.builds(Linear, st.sampled_from([1, 3, 10]), st.booleans()),
    st.builds(BatchNorm),
    st.builds(ReLU),
    st.builds(Dropout, rates),
)
# One strategy a layer, so that a layer without one fails the contract test.
by_name: dict[str, st.SearchStrategy[Layer]] = {
    "Conv": plain,
    "DepthwiseConv": depthwise,
    "BatchNorm": st.builds(BatchNorm),
    "ReLU": st.builds(ReLU),
    "SiLU": st.builds(SiLU),
    "Dropout": st.builds(Dropout, rates),
    "ChannelDropout": st.builds(ChannelDropout, rates),
    "MaxPool": st.builds(MaxPool, st.sampled_from([2, 3])),
    "AvgPool": st.builds(AvgPool, st.sampled_from([2, 3])),
    "GlobalAvgPool": st.builds(GlobalAvgPool),
    "Flatten": st.builds(Flatten),
    "Linear": st.builds(Linear, st.sampled_from([1, 3, 10]), st.booleans()),
}
image_shapes = st.tuples(st.sampled_from([1, 2, 3, 4]), st.integers(1, 20), st.integers(1, 20))


@st.composite
def architectures(draw: st.DrawFn) -> Architecture:
    """An architecture that exists: layers that cannot stand where they are drawn are left out."""
    input_shape = draw(image_shapes)
    wanted: list[Layer | None] = draw(st.lists(image_layers | st.none(), min_size=1, max_size=10))
    if draw(st.booleans()):
        wanted = [*wanted, Flatten(), *draw(st.lists(feature_layers, max_size=3))]
    layers: list[Layer] = []
    for layer in wanted:
        found = layer or _again(layers)
        try:
            Architecture(input_shape, (*layers, found))
        except ArchitectureError:
            continue
        layers.append(found)
    return Architecture(input_shape, tuple(layers) or (ReLU(),))


def _again(layers: list[Layer]) -> Layer:
    """The last convolution of `layers`, which the next layer shares."""
    convolutions = [layer for layer in layers if isinstance(layer, Conv | DepthwiseConv)]
    return replace(convolutions[-1], shared=True) if convolutions else ReLU()
