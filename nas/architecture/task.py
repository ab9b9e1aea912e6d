"""What a network is for, and what it may cost."""

from dataclasses import dataclass

from nas.architecture.base import Shape


@dataclass(frozen=True, slots=True)
class Limits:
    """What a candidate may cost at most, and how small it may be; None is no limit."""

    params: int  # trainable scalars
    macs: int | None = None  # multiply-accumulates for one image
    ram: int | None = None  # peak of activations in bytes, int8, input included
    min_params: int = 0  # what is smaller is of no interest


@dataclass(frozen=True, slots=True)
class Task:
    """Classify images (channels, height, width) into `classes`, within `limits`."""

    input_shape: Shape
    classes: int
    limits: Limits
