"""What an exporter is given: one trained candidate, and what is known of it."""

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from nas.architecture import Architecture
from nas.data import Dataset
from nas.training import Recipe


@dataclass(frozen=True, slots=True)
class Subject:
    """One trained candidate on its way out."""

    title: str  # where it comes from: "trial 7 of study mnist-8000"
    architecture: Architecture
    weights: Path  # its trial's weights.safetensors
    dataset: Dataset
    mean: float  # of the pixels, from 0 to 1, that it was trained on
    std: float
    recipe: Recipe
    seed: int
    budget: int
    accuracy: float  # percent, on the held-out training images, one run
    calibration: Tensor | None = None  # training images (n, C, H, W), normalised; int8 needs them
    verified: str = ""  # the sentence that says what `nas verify` found
