"""The augmentation does what its docstring says."""

import math

import pytest
import torch
from torch.nn import functional as F

from nas.data.augment import warp


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def dot(row: int, column: int, count: int = 200, height: int = 28, width: int = 28) -> torch.Tensor:
    """Images with one bright pixel."""
    images = torch.zeros(count, 1, height, width)
    images[:, 0, row, column] = 1
    return images


def centroids(images: torch.Tensor) -> torch.Tensor:
    """(N, 2): row and column of each image's centre of mass."""
    mass = images.sum((1, 2, 3)).clamp(min=1e-9)
    rows = (images.sum((1, 3)) * torch.arange(images.shape[2])).sum(1) / mass
    columns = (images.sum((1, 2)) * torch.arange(images.shape[3])).sum(1) / mass
    return torch.stack([rows, columns], 1)


def test_nothing_to_do_leaves_the_images_as_they_are() -> None:
    images = torch.rand(3, 1, 28, 28)
    assert warp(images, 0, 0, 0, 0, generator()) is images


def test_a_shift_moves_by_at_most_that_many_pixels_on_both_axes() -> None:
    moved = centroids(warp(dot(10, 12, height=20), 0, 2.5, 0, 0, generator())) - torch.tensor(
        [10, 12]
    )
    assert moved.abs().max() <= 2.5 + 1e-3
    assert moved.min(0).values.max() < -2.2
    assert moved.max(0).values.min() > 2.2


@pytest.mark.parametrize(("height", "width"), [(28, 28), (20, 32)])
def test_a_rotation_keeps_the_distance_from_the_centre(height: int, width: int) -> None:
    images = dot(height // 2 - 1, width // 2 + 7, height=height, width=width)
    turned = centroids(warp(images, 30, 0, 0, 0, generator()))
    centre = torch.tensor([(height - 1) / 2, (width - 1) / 2])
    arm = turned - centre
    assert torch.allclose(arm.norm(dim=1), torch.tensor(7.52), atol=0.25)
    angles = torch.rad2deg(torch.atan2(arm[:, 0], arm[:, 1]))
    assert angles.min() == pytest.approx(-34, abs=3)
    assert angles.max() == pytest.approx(26, abs=3)


def test_a_scale_stretches_by_at_most_that_share() -> None:
    stretched = centroids(warp(dot(14, 24), 0, 0, 0.2, 0, generator()))[:, 1] - 13.5
    assert stretched.min() == pytest.approx(10.5 * 0.8, abs=0.3)
    assert stretched.max() == pytest.approx(10.5 * 1.2, abs=0.3)


def test_a_share_of_the_images_is_mirrored_and_nothing_else_is_done_to_them() -> None:
    images = torch.rand(400, 3, 20, 32)
    found = warp(images, 0, 0, 0, 0.25, generator())
    mirrored = torch.isclose(found, images.flip(3), atol=1e-4).all(dim=(1, 2, 3))
    as_it_was = torch.isclose(found, images, atol=1e-4).all(dim=(1, 2, 3))
    assert (mirrored ^ as_it_was).all()
    assert 70 <= mirrored.sum() <= 130


def test_mirroring_leaves_the_other_draws_as_they_are() -> None:
    """Mirroring mirrored images gives the result without mirroring."""
    images = torch.rand(16, 1, 24, 28)
    plain = warp(images, 10, 2, 0.1, 0, generator(4))
    assert torch.allclose(warp(images.flip(3), 10, 2, 0.1, 1, generator(4)), plain, atol=1e-4)


def test_the_strength_scales_what_is_drawn_for_each_image_but_not_the_mirroring() -> None:
    images = torch.rand(16, 1, 24, 28)
    whole = warp(images, 10, 2, 0.1, 0.5, generator(4))
    weak = warp(images, 5, 1, 0.05, 0.5, generator(4))
    none = warp(images, 0, 0, 0, 0.5, generator(4))
    assert torch.equal(warp(images, 10, 2, 0.1, 0.5, generator(4), 0.5), weak)
    strength = torch.tensor([1.0, 0.5, 0.0, 1.0]).repeat_interleave(4)
    mixed = torch.cat([whole[:4], weak[4:8], none[8:12], whole[12:]])
    assert torch.equal(warp(images, 10, 2, 0.1, 0.5, generator(4), strength), mixed)


def test_the_generator_alone_decides() -> None:
    images = torch.rand(8, 1, 28, 28)
    first = warp(images, 7, 1.5, 0.05, 0, generator(3))
    torch.manual_seed(99)
    assert torch.equal(first, warp(images, 7, 1.5, 0.05, 0, generator(3)))
    assert not torch.equal(first, warp(images, 7, 1.5, 0.05, 0, generator(4)))


def test_the_grid_is_that_of_torch_affine_grid() -> None:
    """Also if height and width differ, and with several channels."""
    images, count = torch.rand(16, 3, 24, 32), 16
    draw = torch.rand(4, count, generator=generator(5)) * 2 - 1
    angle, factor = draw[0] * math.radians(20), 1 / (1 + draw[1] * 0.1)
    cos, sin = angle.cos() * factor, angle.sin() * factor
    shift = draw[2] * (4 / 32), draw[3] * (4 / 24)
    theta = torch.stack([cos, -sin * 0.75, shift[0], sin / 0.75, cos, shift[1]], dim=1)
    grid = F.affine_grid(theta.view(count, 2, 3), list(images.shape), align_corners=False)
    theirs = F.grid_sample(images, grid, align_corners=False)
    assert (warp(images, 20, 2, 0.1, 0, generator(5)) - theirs).abs().max() < 5e-5
