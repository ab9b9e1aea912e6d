"""The data sets that have a name, and how one is called for: by its name, or by its folder."""

from pathlib import Path

from nas.data import own
from nas.data.dataset import Dataset
from nas.errors import ConfigError, unknown

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


def check(name: str) -> None:
    """Raise `ConfigError` if no data set can have this name; it lists the known ones.

    Whether there is one in a folder of the user's, `dataset` tells.
    """
    if not isinstance(name, str) or not (name in DATASETS or own.is_path(name)):
        raise ConfigError(unknown("data set", name, [*DATASETS, "or a folder, as ./mine"]))


def dataset(name: str) -> Dataset:
    """The data set called `name`, or in the folder `name`.

    Raises `ConfigError`, listing the known ones, and `DataError` if the folder holds none.
    """
    check(name)
    return own.described(Path(name)) if own.is_path(name) else DATASETS[name]
