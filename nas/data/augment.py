"""Batched augmentation: random rotation, scale, shift and mirroring for each image."""

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
    """`images` (N, C, H, W), each randomly rotated, scaled and shifted about its centre.

    The angle is uniform in +-`rotation` degrees, the factor in 1 +- `scale`, and each shift in
    +-`shift` pixels. `strength`, one value or (N,), scales these three ranges. Before that, an
    image is mirrored left to right with probability `flip`. Pixels from outside are 0. `generator`
    must be on the images' device.
    """
    if not (rotation or shift or scale or flip):
        return images
    count, _, height, width = images.shape
    draw = (torch.rand(4, count, device=images.device, generator=generator) * 2 - 1) * strength
    angle = draw[0] * math.radians(rotation)
    factor = 1 / (1 + draw[1] * scale)  # inverse, because the grid maps output to input
    cos, sin = torch.cos(angle) * factor, torch.sin(angle) * factor
    ratio = height / width  # grid coordinates run from -1 to 1 on both axes
    across, down = draw[2] * (2 * shift / width), draw[3] * (2 * shift / height)
    # affine_grid's arithmetic, written out: its batched product of 2 x 3 matrices would take as
    # long as the rest of this function.
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
