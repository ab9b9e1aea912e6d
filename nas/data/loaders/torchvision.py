"""Load a data set with torchvision."""

from settings import DATASET, OPTIONS, TRANSPOSED
from torch import Tensor


def load(root: str, train: bool) -> tuple[Tensor, Tensor]:
    """Images (N, 1, H, W) as uint8 and labels (N,), downloaded to `root` if missing."""
    import torchvision  # slow to import

    dataset = getattr(torchvision.datasets, DATASET)(root, train=train, download=True, **OPTIONS)
    images = dataset.data.transpose(1, 2) if TRANSPOSED else dataset.data
    return images.unsqueeze(1), dataset.targets.long()
