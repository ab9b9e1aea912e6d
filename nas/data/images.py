"""Data sets as tensors, and the split that a search measures on."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from nas.data import files
from nas.data.dataset import Dataset

SPLIT_SEED = 0  # fixed: every study of a data set measures on the same images


@dataclass(frozen=True, slots=True)
class Images:
    """Labelled images on one device: the `rows` (N,) of `store` (M, C, H, W) uint8, or all of it,
    and their `labels` (N,) int64.

    On a CPU the store is the data set's file in memory: all workers share its pages, and a part of
    a data set costs its row numbers.
    """

    store: Tensor
    labels: Tensor
    rows: Tensor | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def pixels(self) -> Tensor:
        """All images (N, C, H, W) uint8; a copy if they are a part of the store."""
        return self.take(slice(None))

    def take(self, which: Tensor | slice) -> Tensor:
        """The pixels (n, C, H, W) uint8 of the images that `which` picks."""
        return self.store[which] if self.rows is None else self.store[self.rows[which]]

    def to(self, device: torch.device) -> "Images":
        """These images on `device`; there, the store holds them alone."""
        if device == self.labels.device:
            return self
        return Images(self.pixels.to(device), self.labels.to(device))


@dataclass(frozen=True, slots=True)
class Normalizer:
    """Shifts and scales pixels from 0 to 1 by the training images' mean and standard deviation."""

    mean: float
    std: float

    @classmethod
    def of(cls, images: Images) -> "Normalizer":
        # From the histogram: exact, and without a copy of the pixels in floating point.
        counts = torch.bincount(images.pixels.flatten(), minlength=256).double()
        values = torch.arange(256, dtype=torch.float64) / 255
        mean = (counts * values).sum() / counts.sum()
        variance = (counts * (values - mean) ** 2).sum() / counts.sum()
        return cls(mean.item(), variance.sqrt().item())

    def __call__(self, images: Tensor) -> Tensor:
        return (images - self.mean) / self.std


@dataclass(frozen=True, slots=True)
class Split:
    """Training images, divided into those to train on and those to measure accuracy on."""

    train: Images
    held_out: Images
    normalizer: Normalizer  # of the images to train on

    def to(self, device: torch.device) -> "Split":
        return Split(self.train.to(device), self.held_out.to(device), self.normalizer)


def load_training(dataset: Dataset, data_dir: Path | None = None) -> Images:
    """All training images. Opens no test file."""
    return _tensors(*files.read_training(dataset, data_dir))


def load_test(dataset: Dataset, data_dir: Path | None = None) -> Images:
    """The test images: for the final verification alone."""
    return _tensors(*files.read_test(dataset, data_dir))


def load_split(dataset: Dataset, data_dir: Path | None = None) -> Split:
    """The training images with `dataset.held_out` of them held out: what a search works on."""
    return split(load_training(dataset, data_dir), dataset.held_out)


def split(images: Images, held_out: int) -> Split:
    """`images` with `held_out` of them set aside: stratified by label, the same every time."""
    aside = stratified_mask(images.labels.numpy(), held_out, SPLIT_SEED)
    train = _pick(images, ~aside)
    return Split(train, _pick(images, aside), Normalizer.of(train))


def stratified_mask(
    labels: "np.ndarray[tuple[int], np.dtype[np.integer]]", count: int, seed: int
) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Picks `count` of the images with these labels (N,), as a mask (N,).

    Shuffled, then sorted by label, then picked at equal steps: so each class has its share, give
    or take one image.
    """
    # RandomState's stream is frozen by numpy; a Generator's may change between versions.
    shuffled = np.random.RandomState(seed).permutation(len(labels))
    by_label = shuffled[np.argsort(labels[shuffled], kind="stable")]
    mask = np.zeros(len(labels), dtype=bool)
    mask[by_label[np.arange(count) * len(labels) // count]] = True
    return mask


def _pick(images: Images, mask: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> Images:
    rows = torch.from_numpy(mask.nonzero()[0])
    return Images(images.store, images.labels[rows], rows)


def _tensors(pixels: files.Array, labels: files.Labels) -> Images:
    images = torch.from_numpy(pixels)
    channels_first = images.permute(0, 3, 1, 2) if images.ndim == 4 else images.unsqueeze(1)
    return Images(channels_first, torch.from_numpy(labels).long())
