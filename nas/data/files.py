"""Finding, downloading and reading a data set's files; the test images by their own function.

The files are torchvision's, and torchvision downloads and checks them. They are read here by
memory map, because every worker process reads them: the pages are then shared between workers, and
none of them spends two seconds on importing torchvision.
"""

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nas.data import own
from nas.data.dataset import Dataset
from nas.errors import DataError

Array = NDArray[np.uint8]
Labels = NDArray[np.integer]

IMAGES_HEADER = 16
LABELS_HEADER = 8


def cache_dir() -> Path:
    """The user's cache, where downloads go."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "nas"


def search_path(data_dir: Path | None) -> list[Path]:
    """Where data is looked for, in order: `data_dir`, `NAS_DATA_DIR`, the user's cache."""
    places = [data_dir] if data_dir else []
    if os.environ.get("NAS_DATA_DIR"):
        places.append(Path(os.environ["NAS_DATA_DIR"]))
    return [*places, cache_dir()]


def locate(dataset: Dataset, data_dir: Path | None = None) -> Path | None:
    """The root folder that holds the data set's training files, or None."""
    for root in search_path(data_dir):
        if all(path.is_file() for path, _ in _files(dataset, root, train=True)):
            return root
    return None


def ensure(dataset: Dataset, data_dir: Path | None = None, test: bool = False) -> None:
    """Have the training files on disk and whole, and with `test` those of the test images too;
    download what is missing, with progress.

    Raises `DataError` where that is impossible.
    """
    if dataset.folder is not None:  # it is, or there were no `dataset`
        if test:
            own.check_test(dataset)
        return
    if dataset.torchvision is None:
        return
    root = locate(dataset, data_dir) or _download(dataset, data_dir)
    _check(dataset, root, train=True)
    if test:
        _check(dataset, root, train=False)


def read_training(dataset: Dataset, data_dir: Path | None = None) -> tuple[Array, Labels]:
    """The training images (N, H, W), or (N, H, W, C), and their labels (N,). Opens no test file."""
    return _read(dataset, data_dir, train=True)


def read_test(dataset: Dataset, data_dir: Path | None = None) -> tuple[Array, Labels]:
    """The test images, and their labels (N,): for the final verification alone."""
    return _read(dataset, data_dir, train=False)


def _read(dataset: Dataset, data_dir: Path | None, train: bool) -> tuple[Array, Labels]:
    if dataset.folder is not None:
        return own.arrays(dataset.folder, train)
    if dataset.torchvision is None:
        return embedded_digits(dataset.input_shape[1], train)
    root = locate(dataset, data_dir)
    if root is None:
        raise DataError(_missing(dataset, data_dir))
    _check(dataset, root, train)
    (images_path, _), (labels_path, _) = _files(dataset, root, train)
    # "c": torch wants writable memory; what is written is this process's own, never the file's.
    pixels = np.memmap(images_path, np.uint8, "c", IMAGES_HEADER)
    labels = np.memmap(labels_path, np.uint8, "c", LABELS_HEADER)
    images: Array = pixels.reshape(-1, *dataset.input_shape[1:])
    return (images.transpose(0, 2, 1) if dataset.transposed else images), labels


def _files(dataset: Dataset, root: Path, train: bool) -> list[tuple[Path, int]]:
    """The images' and the labels' file, each with the bytes it must have."""
    folder = root / str(dataset.torchvision) / "raw"
    prefix = dataset.train_prefix if train else dataset.test_prefix
    count = dataset.train_images if train else dataset.test_images
    assert count is not None, f"{dataset.name} is in the catalogue"
    _, height, width = dataset.input_shape
    return [
        (folder / f"{prefix}-images-idx3-ubyte", IMAGES_HEADER + count * height * width),
        (folder / f"{prefix}-labels-idx1-ubyte", LABELS_HEADER + count),
    ]


def _check(dataset: Dataset, root: Path, train: bool) -> None:
    for path, expected in _files(dataset, root, train):
        if not path.is_file():
            raise DataError(
                f"{dataset.name}: {path} is missing: put it back, or delete its folder to have "
                "the data set downloaded again"
            )
        if path.stat().st_size != expected:
            raise DataError(
                f"{dataset.name}: {path} has {path.stat().st_size:,} bytes and should have "
                f"{expected:,}: delete it to have it downloaded again, or choose --dataset digits"
            )


def _missing(dataset: Dataset, data_dir: Path | None) -> str:
    places = ", ".join(str(path) for path in search_path(data_dir))
    first, _ = _files(dataset, Path(), train=True)
    return (
        f"{dataset.name} was not found in {places}: put its files there as {first[0]} and so on "
        "(torchvision's layout), or choose --dataset digits, which needs none"
    )


def _download(dataset: Dataset, data_dir: Path | None) -> Path:
    from urllib.error import URLError

    import torchvision

    root = data_dir or cache_dir()
    try:
        root.mkdir(parents=True, exist_ok=True)
        getattr(torchvision.datasets, str(dataset.torchvision))(
            root, download=True, **dataset.options
        )
    except (URLError, RuntimeError, OSError) as error:
        reason = str(error).strip().splitlines()[-1]
        message = f"{_missing(dataset, data_dir)} (the download failed: {reason})"
        raise DataError(message) from error
    return root


def embedded_digits(
    side: int, train: bool
) -> "tuple[np.typing.NDArray[np.uint8], np.typing.NDArray[np.uint8]]":
    """scikit-learn's 8 x 8 digits (N, side, side), enlarged to `side`, and their labels (N,).

    Every sixth image is a test image, in the order of the set.
    """
    import torch
    from sklearn.datasets import load_digits

    small, labels = load_digits(return_X_y=True)
    test = np.arange(len(labels)) % 6 == 0
    chosen = ~test if train else test
    pixels = torch.from_numpy(small[chosen]).reshape(-1, 1, 8, 8)
    large = torch.nn.functional.interpolate(
        pixels * (255 / 16), size=(side, side), mode="bilinear", align_corners=False
    )
    images = large.round().clamp(0, 255).to(torch.uint8)[:, 0].numpy()
    return images, labels[chosen].astype(np.uint8)
