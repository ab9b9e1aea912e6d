"""Candidates: layers, shapes, costs, JSON. `nas.architecture.module` builds their modules."""

from nas.architecture.architecture import Architecture, Dtype, LayerRow, Stage
from nas.architecture.base import LAYERS, Call, Layer, Shape, show
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
    Padding,
    ReLU,
    SiLU,
)
from nas.architecture.task import Limits, Task

__all__ = [
    "LAYERS",
    "Architecture",
    "AvgPool",
    "BatchNorm",
    "Call",
    "ChannelDropout",
    "Conv",
    "DepthwiseConv",
    "Dropout",
    "Dtype",
    "Flatten",
    "GlobalAvgPool",
    "Layer",
    "LayerRow",
    "Limits",
    "Linear",
    "MaxPool",
    "Padding",
    "ReLU",
    "Shape",
    "SiLU",
    "Stage",
    "Task",
    "show",
]
