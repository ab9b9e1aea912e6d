"""The data sets: what each is, and where torchvision keeps it."""

from dataclasses import dataclass

from nas.architecture import Shape
from nas.errors import ConfigError, unknown


@dataclass(frozen=True, slots=True)
class Dataset:
    """A set of labelled images, split by its makers into training and test images."""

    name: str
    title: str
    train_images: int
    test_images: int
    classes: int = 10
    input_shape: Shape = (1, 28, 28)
    # The class in torchvision.datasets that downloads it, which is also its folder; None: embedded.
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


_ALL = (
    Dataset(
        "digits",
        "scikit-learn's 8 x 8 handwritten digits, enlarged to 28 x 28; embedded",
        train_images=1_497,
        test_images=300,
        module="sklearn.datasets",
        batch_size=16,
    ),
    Dataset("mnist", "handwritten digits", 60_000, 10_000, torchvision="MNIST"),
    Dataset("fashion-mnist", "Zalando's clothes", 60_000, 10_000, torchvision="FashionMNIST"),
    Dataset("kmnist", "cursive Japanese characters", 60_000, 10_000, torchvision="KMNIST"),
    Dataset(
        "emnist-digits",
        "NIST's handwritten digits",
        240_000,
        40_000,
        torchvision="EMNIST",
        split="digits",
        train_prefix="emnist-digits-train",
        test_prefix="emnist-digits-test",
        transposed=True,
    ),
)

DATASETS: dict[str, Dataset] = {dataset.name: dataset for dataset in _ALL}


def dataset(name: str) -> Dataset:
    """The data set called `name`; raises `ConfigError`, listing the known ones."""
    if name not in DATASETS:
        raise ConfigError(unknown("data set", name, DATASETS))
    return DATASETS[name]
