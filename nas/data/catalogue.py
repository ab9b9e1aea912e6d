"""The named data sets, and how a data set is chosen: by its name or by its folder."""

from pathlib import Path

from nas.data import arrays
from nas.data.dataset import Dataset
from nas.data.digits import Digits
from nas.data.torchvision_files import TorchvisionFiles
from nas.errors import ConfigError, unknown

_ALL = (
    Dataset(
        "digits",
        "scikit-learn's 8 x 8 handwritten digits, enlarged to 28 x 28; embedded",
        Digits(),
        train_images=1_497,
        test_images=300,
        batch_size=16,
    ),
    Dataset("mnist", "handwritten digits", TorchvisionFiles("MNIST"), 60_000, 10_000),
    Dataset("fashion-mnist", "Zalando's clothes", TorchvisionFiles("FashionMNIST"), 60_000, 10_000),
    Dataset("kmnist", "cursive Japanese characters", TorchvisionFiles("KMNIST"), 60_000, 10_000),
    Dataset(
        "emnist-digits",
        "NIST's handwritten digits",
        TorchvisionFiles(
            "EMNIST",
            split="digits",
            train_prefix="emnist-digits-train",
            test_prefix="emnist-digits-test",
            transposed=True,
        ),
        train_images=240_000,
        test_images=40_000,
    ),
)

DATASETS: dict[str, Dataset] = {dataset.name: dataset for dataset in _ALL}


def check(name: str) -> None:
    """Raise `ConfigError`, listing the known names, if `name` is neither a name nor a path.

    Whether the folder at a path holds a data set is checked by `dataset`.
    """
    if not isinstance(name, str) or not (name in DATASETS or arrays.is_path(name)):
        raise ConfigError(unknown("data set", name, [*DATASETS, "or a folder, as ./mine"]))


def dataset(name: str) -> Dataset:
    """The data set called `name`, or the one in the folder `name`.

    Raises `ConfigError`, listing the known names, and `DataError` if the folder holds none.
    """
    check(name)
    return arrays.describe(Path(name)) if arrays.is_path(name) else DATASETS[name]
