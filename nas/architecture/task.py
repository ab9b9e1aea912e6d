"""What a network must do and what it may cost."""

from dataclasses import dataclass

from nas.architecture.base import Shape


@dataclass(frozen=True, slots=True)
class Limits:
    """Upper limits on a candidate's costs, where None is no limit, and its minimum size."""

    params: int  # trainable scalars
    macs: int | None = None  # multiply-accumulates per image
    ram: int | None = None  # peak bytes of activations, int8, input included
    min_params: int = 0  # smaller candidates are rejected


@dataclass(frozen=True, slots=True)
class Task:
    """Classify images (channels, height, width) into `classes`, within `limits`."""

    input_shape: Shape
    classes: int
    limits: Limits
