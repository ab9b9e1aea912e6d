"""The user's own data sets: a folder with four arrays that `numpy.save` wrote.

    x_train.npy, x_test.npy    images (N, H, W), or (N, H, W, C) with channels last; uint8
    y_train.npy, y_test.npy    classes (N,), whole numbers from 0

The arrays are memory-mapped, so worker processes share their pages. Only reading test images opens
the test files.
"""

import os
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from nas.architecture import Shape, show
from nas.data.dataset import Dataset, Pixels, Source
from nas.errors import DataError

MAX_CHANNELS = 16  # a larger last axis is probably a height or a width
MAX_CLASSES = 65_536  # as a layer's width
MIN_PER_CLASS = 6  # training images, because a sixth is held out
# Minimum number of training images, and the default batch size from there on.
BATCH_SIZES = ((10_000, 64), (4_000, 32), (0, 16))


@dataclass(frozen=True, slots=True)
class ArrayFolder(Source):
    """The four arrays in `folder`."""

    loader: ClassVar[str] = "arrays.py"
    requirements: ClassVar[str] = "torch and numpy, and `--data` with the folder of the data set"

    folder: Path

    def read(
        self,
        dataset: Dataset,  # noqa: ARG002
        data_dir: Path | None,  # noqa: ARG002
        train: bool,
    ) -> tuple[Pixels, NDArray[np.int64]]:
        return read(self.folder, train)

    def ensure(self, dataset: Dataset, data_dir: Path | None, test: bool) -> None:  # noqa: ARG002
        """Check that test images match the training images, which `describe` has checked."""
        if not test:
            return
        images, labels = read(self.folder, train=False)
        if _shape(images) != dataset.input_shape:
            raise DataError(
                f"{_file(self.folder, 'x', False)} has images of {show(_shape(images))}: the "
                f"training images have {show(dataset.input_shape)}"
            )
        if labels.max() >= dataset.classes:
            raise DataError(
                f"{_file(self.folder, 'y', False)} has an image of class {labels.max()}: the "
                f"training images have classes 0 to {dataset.classes - 1}"
            )


def is_path(name: str) -> bool:
    """Whether `name` is a path rather than the name of a data set: it contains a separator."""
    return (os.sep in name or name in (".", "..")) and "\0" not in name


def find(folder: Path, data_dir: Path | None, others: Sequence[Path]) -> Path:
    """Where the data set of `folder` is on this machine.

    Looks for a folder of the same name in `data_dir`, for `folder` itself, then for one of the same
    name in each of the `others`. Returns `folder` if none has it.
    """
    roots = [data_dir, folder.parent, *others]
    places = [(root / folder.name).resolve() for root in roots if root is not None]
    for place in places:
        with suppress(OSError):  # for example a name too long for the file system
            if _file(place, "x", True).is_file():
                return place
    return folder


def describe(folder: Path) -> Dataset:
    """The data set in `folder`, described from its training images.

    Raises `DataError` if the arrays are missing or not as this module's docstring says.
    """
    images, labels = read(folder, train=True)
    counts = np.bincount(labels)
    rarest = int(counts.argmin())
    if len(counts) < 2 or counts[rarest] < MIN_PER_CLASS:
        raise DataError(
            f"{_file(folder, 'y', True)} has {counts[rarest]} images of class {rarest}: there must "
            "be at least two classes, numbered from 0, with at least "
            f"{MIN_PER_CLASS} training images each"
        )
    return Dataset(
        name=folder.resolve().name,
        title="of your own",
        source=ArrayFolder(folder),
        train_images=len(images),
        test_images=None,
        classes=len(counts),
        input_shape=_shape(images),
        batch_size=next(size for minimum, size in BATCH_SIZES if len(images) >= minimum),
    )


def read(folder: Path, train: bool) -> tuple[Pixels, NDArray[np.int64]]:
    """The images (N, H, W) or (N, H, W, C), memory-mapped, and their labels (N,).

    Raises `DataError` if an array is missing or not as this module's docstring says.
    """
    images_file, labels_file = (_file(folder, name, train) for name in ("x", "y"))
    images, labels = _load(images_file), _load(labels_file)
    if images.dtype != np.uint8:
        raise DataError(
            f"{images_file} has pixels of type {images.dtype}: save them as uint8, from 0 to 255"
        )
    if images.ndim not in (3, 4) or 0 in images.shape:
        raise DataError(
            f"{images_file} has the shape {show(images.shape)}: save the images as N x height x "
            "width, or N x height x width x channels"
        )
    if images.ndim == 4 and images.shape[3] > MAX_CHANNELS:
        raise DataError(
            f"{images_file} has the shape {show(images.shape)}, so {images.shape[3]} channels, and "
            f"at most {MAX_CHANNELS} are allowed: channels come last, "
            "np.moveaxis(images, 1, -1) moves them there"
        )
    valid = labels.dtype.kind in "iu" and labels.size == len(images)
    if not valid or labels.min() < 0 or labels.max() >= MAX_CLASSES:
        raise DataError(
            f"{labels_file} has {show(labels.shape)} values of type {labels.dtype}: save one "
            f"class, a whole number from 0, for each of the {len(images):,} images in "
            f"{images_file.name}"
        )
    return images.view(np.uint8), labels.reshape(-1).astype(np.int64)


def checksum(folder: Path) -> str:
    """CRC-32 of the training images and labels in `folder`, as hexadecimal digits."""
    images, labels = read(folder, train=True)
    crc = zlib.crc32(f"{images.shape}".encode())
    crc = zlib.crc32(labels.tobytes(), crc)
    for part in np.array_split(images, 1 + images.nbytes // 2**24):  # tobytes copies
        crc = zlib.crc32(part.tobytes(), crc)
    return f"{crc:08x}"


def _shape(images: Pixels) -> Shape:
    channels = images.shape[3] if images.ndim == 4 else 1
    return (channels, *images.shape[1:3])


def _file(folder: Path, name: str, train: bool) -> Path:
    return folder / f"{name}_{'train' if train else 'test'}.npy"


def _load(file: Path) -> NDArray[np.generic]:
    try:
        # "c", copy on write: torch wants writable memory, and the file must not change.
        found = np.load(file, mmap_mode="c")
    except OSError as error:
        raise DataError(
            f"{file} cannot be read ({error.strerror}): your own data set is a folder with "
            "x_train.npy, y_train.npy, x_test.npy and y_test.npy; if it has moved, name the folder "
            "that contains it with --data-dir"
        ) from None
    except (ValueError, EOFError):
        raise DataError(
            f"{file} is no array of numbers that numpy.save wrote: save it again"
        ) from None
    if not isinstance(found, np.ndarray):
        raise DataError(f"{file} holds several arrays: save one array per file, with numpy.save")
    return found
