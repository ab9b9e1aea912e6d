"""Batched augmentation: each image gets a rotation, scale, shift and side of its own."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F


def warp(
    images: Tensor,
    rotation: float,
    shift: float,
    scale: float,
    flip: float,
    generator: torch.Generator,
    strength: float | Tensor = 1.0,
) -> Tensor:
    """`images` (N, C, H, W), each rotated, scaled and shifted at random about its centre, and
    perhaps mirrored left to right before that.

    Drawn uniformly: the angle from +-`rotation` degrees, the factor from 1 +- `scale`, the shift
    in each direction from +-`shift` pixels; `flip` is the probability that an image is mirrored.
    `strength`, one for all or (N,), is what these three ranges are multiplied by. Pixels from
    outside are 0. `generator` lives on the images' device.
    """
    if not (rotation or shift or scale or flip):
        return images
    count, _, height, width = images.shape
    draw = (torch.rand(4, count, device=images.device, generator=generator) * 2 - 1) * strength
    angle = draw[0] * math.radians(rotation)
    factor = 1 / (1 + draw[1] * scale)  # affine_grid maps output to input, so it takes the inverse
    cos, sin = torch.cos(angle) * factor, torch.sin(angle) * factor
    ratio = height / width  # grid coordinates run from -1 to 1 on both axes
    across, down = draw[2] * (2 * shift / width), draw[3] * (2 * shift / height)
    # affine_grid's arithmetic, written out: its batched product of 2 x 3 matrices takes as long
    # as everything else in this function together.
    columns = (torch.arange(width, device=images.device) * 2 + 1) / width - 1
    rows = ((torch.arange(height, device=images.device) * 2 + 1) / height - 1)[:, None]
    cos, sin, across, down = (term[:, None, None] for term in (cos, sin, across, down))
    x = torch.addcmul(across - sin * ratio * rows, cos, columns)
    y = torch.addcmul(down + cos * rows, sin / ratio, columns)
    if flip:
        chance = torch.rand(count, device=images.device, generator=generator)
        x = torch.where((chance < flip)[:, None, None], -x, x)
    grid = torch.stack([x, y], dim=3)
    return F.grid_sample(images, grid, align_corners=False)
