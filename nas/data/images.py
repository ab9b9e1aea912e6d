"""Data sets as tensors, and the split into images to train on and held-out images."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from nas.data.dataset import Dataset, Labels, Pixels
from nas.data.split import SPLIT_SEED, stratified_mask


@dataclass(frozen=True, slots=True)
class Images:
    """Labelled images on one device.

    The images are the `rows` (N,) of `store` (M, C, H, W) uint8, or all rows; `labels` (N,) int64.
    On a CPU the store is the memory-mapped file, whose pages all workers share, so a subset costs
    only its row numbers.
    """

    store: Tensor
    labels: Tensor
    rows: Tensor | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def pixels(self) -> Tensor:
        """All images (N, C, H, W) uint8; a copy if they are a subset of the store."""
        return self.take(slice(None))

    def take(self, indices: Tensor | slice) -> Tensor:
        """The images (n, C, H, W) uint8 at `indices`."""
        return self.store[indices] if self.rows is None else self.store[self.rows[indices]]

    def to(self, device: torch.device) -> "Images":
        """These images on `device`; a new store there holds only these."""
        if device == self.labels.device:
            return self
        return Images(self.pixels.to(device), self.labels.to(device))


@dataclass(frozen=True, slots=True)
class Normalizer:
    """Normalises pixels in 0 to 1 by the training images' mean and standard deviation."""

    mean: float
    std: float

    @classmethod
    def of(cls, images: Images) -> "Normalizer":
        # From the histogram: exact, without a floating-point copy of the pixels.
        counts = torch.bincount(images.pixels.flatten(), minlength=256).double()
        values = torch.arange(256, dtype=torch.float64) / 255
        mean = (counts * values).sum() / counts.sum()
        variance = (counts * (values - mean) ** 2).sum() / counts.sum()
        return cls(mean.item(), variance.sqrt().item())

    def __call__(self, images: Tensor) -> Tensor:
        return (images - self.mean) / self.std


@dataclass(frozen=True, slots=True)
class Split:
    """Training images, split into those to train on and those to measure accuracy on."""

    train: Images
    held_out: Images
    normalizer: Normalizer  # of the images to train on

    def to(self, device: torch.device) -> "Split":
        return Split(self.train.to(device), self.held_out.to(device), self.normalizer)


def load_training(dataset: Dataset, data_dir: Path | None = None) -> Images:
    """All training images. Opens no test file."""
    return _tensors(*dataset.source.read(dataset, data_dir, train=True))


def load_test(dataset: Dataset, data_dir: Path | None = None) -> Images:
    """The test images. For the final verification only."""
    return _tensors(*dataset.source.read(dataset, data_dir, train=False))


def load_split(dataset: Dataset, data_dir: Path | None = None) -> Split:
    """The training images, with `dataset.held_out` of them held out, as a search uses them."""
    return split(load_training(dataset, data_dir), dataset.held_out)


def split(images: Images, held_out: int) -> Split:
    """`images` with `held_out` of them held out: stratified by label, the same every time."""
    mask = stratified_mask(images.labels.numpy(), held_out, SPLIT_SEED)
    train = _pick(images, ~mask)
    return Split(train, _pick(images, mask), Normalizer.of(train))


def _pick(images: Images, mask: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> Images:
    rows = torch.from_numpy(mask.nonzero()[0])
    return Images(images.store, images.labels[rows], rows)


def _tensors(pixels: Pixels, labels: Labels) -> Images:
    images = torch.from_numpy(pixels)
    channels_first = images.permute(0, 3, 1, 2) if images.ndim == 4 else images.unsqueeze(1)
    return Images(channels_first, torch.from_numpy(labels).long())
