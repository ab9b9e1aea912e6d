"""The digits that scikit-learn contains: no file, no download."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from nas.data.dataset import Dataset, Labels, Pixels, Source


@dataclass(frozen=True, slots=True)
class Digits(Source):
    """scikit-learn's 8 x 8 handwritten digits, enlarged to 28 x 28."""

    loader: ClassVar[str] = "digits.py"
    requirements: ClassVar[str] = "torch and scikit-learn"
    embedded: ClassVar[bool] = True
    preload: ClassVar[str | None] = "sklearn.datasets"

    def read(self, dataset: Dataset, data_dir: Path | None, train: bool) -> tuple[Pixels, Labels]:  # noqa: ARG002
        from nas.data.loaders.digits import load

        images, labels = load("", train)
        return images[:, 0].numpy(), labels.numpy()
