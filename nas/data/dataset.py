"""What a data set is: a value, without its images."""

from dataclasses import dataclass
from pathlib import Path

from nas.architecture import Shape


@dataclass(frozen=True, slots=True)
class Dataset:
    """A set of labelled images, split by its makers into training and test images."""

    name: str
    title: str
    train_images: int
    test_images: int | None  # None: not counted, as a search does not open their file
    classes: int = 10
    input_shape: Shape = (1, 28, 28)
    # Where its files are: a folder of the user's (`nas.data.own`), or that of a class in
    # torchvision.datasets, which downloads it. Neither: it is embedded.
    folder: Path | None = None
    torchvision: str | None = None
    split: str | None = None  # that torchvision's class asks for
    train_prefix: str = "train"
    test_prefix: str = "t10k"
    transposed: bool = False  # stored with rows and columns swapped
    module: str | None = None  # that reading it imports, and that takes its time
    # A search's default batch size: a small set needs small batches to have enough steps.
    batch_size: int = 64

    @property
    def options(self) -> dict[str, str]:
        """What torchvision's class is called with, besides the folder."""
        return {"split": self.split} if self.split else {}

    @property
    def held_out(self) -> int:
        """How many training images a search keeps aside to measure accuracy on."""
        return min(10_000, self.train_images // 6)
