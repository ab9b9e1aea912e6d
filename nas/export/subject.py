"""The input of an exporter: one trained candidate and the facts about it."""

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from nas.architecture import Architecture
from nas.data import Dataset
from nas.training import Recipe


@dataclass(frozen=True, slots=True)
class Subject:
    """One trained candidate to export."""

    title: str  # its origin: "Trial 7 of study mnist-8000"
    architecture: Architecture
    weights: Path  # its trial's weights.safetensors
    dataset: Dataset
    mean: float  # of the pixels, in 0 to 1, that it was trained on
    std: float
    recipe: Recipe
    seed: int
    budget: int
    accuracy: float  # percent, on the held-out images, one run
    calibration: Tensor | None = None  # training images (n, C, H, W), normalised; for int8
    verified: str = ""  # one sentence with the result of `nas verify`
