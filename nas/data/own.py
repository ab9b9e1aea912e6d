"""A data set of the user's own: a folder with four arrays, as `numpy.save` writes them.

    x_train.npy, x_test.npy    images: (N, H, W), or (N, H, W, C) with channels last; uint8
    y_train.npy, y_test.npy    their classes: (N,) whole numbers from 0

They are read by memory map, as the other data sets are (`nas.data.files`). The test images' file is
opened where they are asked for, and by nothing else.
"""

import os
import zlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nas.architecture import Shape, show
from nas.data.dataset import Dataset
from nas.errors import DataError

MAX_CHANNELS = 16  # more are a height or a width that stands where the channels should
MAX_CLASSES = 65_536  # as a layer's width
LEAST = 6  # training images a class: a sixth is held out
# A small set needs small batches to have enough steps: batches for sets of at least so many images.
BATCHES = ((10_000, 64), (4_000, 32), (0, 16))


def is_path(name: str) -> bool:
    """Whether `name` is that of a folder and not of a data set: it has a separator in it."""
    return (os.sep in name or name in (".", "..")) and "\0" not in name


def find(folder: Path, data_dir: Path | None, others: Sequence[Path]) -> Path:
    """Where the data set of `folder` is on this machine: in the folder of that name in `data_dir`,
    there itself, or in the folder of that name in one of the `others`; there, if in none."""
    roots = [data_dir, folder.parent, *others]
    places = [(root / folder.name).resolve() for root in roots if root is not None]
    for place in places:
        with suppress(OSError):  # such as a name that is too long for the file system
            if _file(place, "x", True).is_file():
                return place
    return folder


def described(folder: Path) -> Dataset:
    """What the data set in `folder` is, told from its training images; raises `DataError` if there
    is none, or if it is not as this module's docstring says."""
    images, labels = arrays(folder, train=True)
    counts = np.bincount(labels)
    few = int(counts.argmin())
    if len(counts) < 2 or counts[few] < LEAST:
        raise DataError(
            f"{_file(folder, 'y', True)} has {counts[few]} images of class {few}: there are at "
            f"least two classes, numbered from 0, and at least {LEAST} training images of each"
        )
    return Dataset(
        name=folder.resolve().name,
        title="of your own",
        train_images=len(images),
        test_images=None,
        classes=len(counts),
        input_shape=_shape(images),
        folder=folder,
        batch_size=next(batch for least, batch in BATCHES if len(images) >= least),
    )


def arrays(folder: Path, train: bool) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The images (N, H, W) or (N, H, W, C), in memory that is the file's, and their labels (N,).

    Raises `DataError` if they are missing or are no such arrays.
    """
    images_file, labels_file = (_file(folder, name, train) for name in ("x", "y"))
    images, labels = _load(images_file), _load(labels_file)
    if images.dtype != np.uint8:
        raise DataError(
            f"{images_file} has pixels of type {images.dtype}: save them as uint8, from 0 to 255"
        )
    if images.ndim not in (3, 4) or 0 in images.shape:
        raise DataError(
            f"{images_file} has the shape {show(images.shape)}: images are N x height x width, or "
            "N x height x width x channels"
        )
    if images.ndim == 4 and images.shape[3] > MAX_CHANNELS:
        raise DataError(
            f"{images_file} has the shape {show(images.shape)}, so {images.shape[3]} channels, "
            f"where there are at most {MAX_CHANNELS}: channels come last, "
            "np.moveaxis(images, 1, -1) puts them there"
        )
    whole = labels.dtype.kind in "iu" and labels.size == len(images)
    if not whole or labels.min() < 0 or labels.max() >= MAX_CLASSES:
        raise DataError(
            f"{labels_file} has {show(labels.shape)} values of type {labels.dtype}: it is one "
            f"class, a whole number from 0, for each of the {len(images):,} images of "
            f"{images_file.name}"
        )
    return images.view(np.uint8), labels.reshape(-1).astype(np.int64)


def check_test(dataset: Dataset) -> None:
    """Raise `DataError` unless the test images in the set's folder are there, and such as the
    training images. Looks at their shape and their labels."""
    assert dataset.folder is not None, f"{dataset.name} is in a folder"
    images, labels = arrays(dataset.folder, train=False)
    if _shape(images) != dataset.input_shape:
        raise DataError(
            f"{_file(dataset.folder, 'x', False)} has images of {show(_shape(images))}: those to "
            f"train on have {show(dataset.input_shape)}"
        )
    if labels.max() >= dataset.classes:
        raise DataError(
            f"{_file(dataset.folder, 'y', False)} has an image of class {labels.max()}: those to "
            f"train on have classes 0 to {dataset.classes - 1}"
        )


def checksum(folder: Path) -> str:
    """What tells the training images and labels in `folder` from any others: their CRC-32."""
    images, labels = arrays(folder, train=True)
    crc = zlib.crc32(f"{images.shape}".encode())
    crc = zlib.crc32(labels.tobytes(), crc)
    for part in np.array_split(images, 1 + images.nbytes // 2**24):  # each is copied
        crc = zlib.crc32(part.tobytes(), crc)
    return f"{crc:08x}"


def _shape(images: NDArray[np.uint8]) -> Shape:
    channels = images.shape[3] if images.ndim == 4 else 1
    return (channels, *images.shape[1:3])


def _file(folder: Path, name: str, train: bool) -> Path:
    return folder / f"{name}_{'train' if train else 'test'}.npy"


def _load(file: Path) -> NDArray[np.generic]:
    try:
        # "c": torch wants writable memory; what is written is this process's own, never the file's.
        found = np.load(file, mmap_mode="c")
    except OSError as error:
        raise DataError(
            f"{file} cannot be read ({error.strerror}): a data set of your own is a folder with "
            "x_train.npy, y_train.npy, x_test.npy and y_test.npy; if it has moved, --data-dir is "
            "where that folder is now"
        ) from None
    except (ValueError, EOFError):
        raise DataError(f"{file} is no array of numbers that numpy.save wrote") from None
    if not isinstance(found, np.ndarray):
        raise DataError(f"{file} holds several arrays: save one in a file, with numpy.save")
    return found
