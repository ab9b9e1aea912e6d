"""What a data set is, without its images, and where they come from."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from nas.architecture import Shape

Pixels = NDArray[np.uint8]
Labels = NDArray[np.integer]


class Source(ABC):
    """Where a data set's images come from; one subclass and one file for each kind of data."""

    __slots__ = ()

    # The file in nas/data/loaders that reads the images in an export, and what it needs.
    loader: ClassVar[str]
    requirements: ClassVar[str]
    embedded: ClassVar[bool] = False  # whether it comes with an installed package
    preload: ClassVar[str | None] = None  # a module that is slow to import and that `read` needs

    @abstractmethod
    def read(self, dataset: "Dataset", data_dir: Path | None, train: bool) -> tuple[Pixels, Labels]:
        """Training or test images (N, H, W) or (N, H, W, C), and labels (N,).

        Opens no other file. Raises `DataError` if the files are missing or damaged.
        """

    def ensure(self, dataset: "Dataset", data_dir: Path | None, test: bool) -> None:  # noqa: B027
        """Check the training files, and with `test` the test files; download what is missing.

        Raises `DataError` where that fails.
        """

    def locate(self, dataset: "Dataset", data_dir: Path | None) -> Path | None:  # noqa: ARG002
        """The root folder of the training files, or None if they are missing or embedded."""
        return None

    def settings(self) -> list[tuple[str, Any, str]]:
        """Name, value and comment of what `loader` imports from an export's settings.py."""
        return []


@dataclass(frozen=True, slots=True)
class Dataset:
    """A set of labelled images that comes with a split into training and test images."""

    name: str
    title: str
    source: Source
    train_images: int
    test_images: int | None  # None: unknown, because a search does not open their file
    classes: int = 10
    input_shape: Shape = (1, 28, 28)
    # Default batch size of a search: a small set needs small batches to have enough steps.
    batch_size: int = 64

    @property
    def held_out(self) -> int:
        """How many training images a search holds out to measure accuracy on."""
        return min(10_000, self.train_images // 6)
