"""Data sets in the files of torchvision.datasets, which downloads and verifies them.

The files are memory-mapped rather than read with torchvision: worker processes then share the
pages, and none spends two seconds on importing torchvision.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from nas.data.dataset import Dataset, Labels, Pixels, Source
from nas.data.files import cache_dir, search_path
from nas.errors import DataError

IMAGES_HEADER = 16  # bytes
LABELS_HEADER = 8


@dataclass(frozen=True, slots=True)
class TorchvisionFiles(Source):
    """The files that the class `name` of torchvision.datasets downloads."""

    loader: ClassVar[str] = "torchvision.py"
    requirements: ClassVar[str] = "torch and torchvision"

    name: str
    split: str | None = None  # argument of torchvision's class
    train_prefix: str = "train"
    test_prefix: str = "t10k"
    transposed: bool = False  # stored with rows and columns swapped

    @property
    def options(self) -> dict[str, str]:
        """Arguments of torchvision's class besides the folder."""
        return {"split": self.split} if self.split else {}

    def settings(self) -> list[tuple[str, Any, str]]:
        return [
            ("DATASET", self.name, "class in torchvision.datasets"),
            ("OPTIONS", self.options, "its arguments besides the folder"),
            ("TRANSPOSED", self.transposed, "whether the files have rows and columns swapped"),
        ]

    def files(self, dataset: Dataset, root: Path, train: bool) -> list[tuple[Path, int]]:
        """The file of the images and the file of the labels, each with its size in bytes."""
        folder = root / self.name / "raw"
        prefix = self.train_prefix if train else self.test_prefix
        count = dataset.train_images if train else dataset.test_images
        assert count is not None, f"{dataset.name} is in the catalogue"
        _, height, width = dataset.input_shape
        return [
            (folder / f"{prefix}-images-idx3-ubyte", IMAGES_HEADER + count * height * width),
            (folder / f"{prefix}-labels-idx1-ubyte", LABELS_HEADER + count),
        ]

    def locate(self, dataset: Dataset, data_dir: Path | None) -> Path | None:
        for root in search_path(data_dir):
            if all(path.is_file() for path, _ in self.files(dataset, root, train=True)):
                return root
        return None

    def ensure(self, dataset: Dataset, data_dir: Path | None, test: bool) -> None:
        root = self.locate(dataset, data_dir) or self._download(dataset, data_dir)
        self._check(dataset, root, train=True)
        if test:
            self._check(dataset, root, train=False)

    def read(self, dataset: Dataset, data_dir: Path | None, train: bool) -> tuple[Pixels, Labels]:
        root = self.locate(dataset, data_dir)
        if root is None:
            raise DataError(self._missing(dataset, data_dir))
        self._check(dataset, root, train)
        (images_path, _), (labels_path, _) = self.files(dataset, root, train)
        # "c", copy on write: torch wants writable memory, and the file must not change.
        pixels = np.memmap(images_path, np.uint8, "c", IMAGES_HEADER)
        labels = np.memmap(labels_path, np.uint8, "c", LABELS_HEADER)
        images: Pixels = pixels.reshape(-1, *dataset.input_shape[1:])
        return (images.transpose(0, 2, 1) if self.transposed else images), labels

    def _check(self, dataset: Dataset, root: Path, train: bool) -> None:
        for path, expected in self.files(dataset, root, train):
            if not path.is_file():
                raise DataError(
                    f"{dataset.name}: {path} is missing: put it back, or delete its folder to "
                    "download the data set again"
                )
            if path.stat().st_size != expected:
                raise DataError(
                    f"{dataset.name}: {path} has {path.stat().st_size:,} bytes and should have "
                    f"{expected:,}: delete it to download it again, or choose --dataset digits"
                )

    def _missing(self, dataset: Dataset, data_dir: Path | None) -> str:
        places = ", ".join(str(path) for path in search_path(data_dir))
        first, _ = self.files(dataset, Path(), train=True)
        return (
            f"{dataset.name} was not found in {places}: put its files there as {first[0]} and so "
            "on (torchvision's layout), or choose --dataset digits, which needs no files"
        )

    def _download(self, dataset: Dataset, data_dir: Path | None) -> Path:
        from urllib.error import URLError

        import torchvision

        root = data_dir or cache_dir()
        try:
            root.mkdir(parents=True, exist_ok=True)
            getattr(torchvision.datasets, self.name)(root, download=True, **self.options)
        except (URLError, RuntimeError, OSError) as error:
            reason = str(error).strip().splitlines()[-1]
            message = f"{self._missing(dataset, data_dir)} (the download failed: {reason})"
            raise DataError(message) from error
        return root
