"""Load scikit-learn's 8 x 8 digits, enlarged to 28 x 28."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F


def load(root: str, train: bool) -> tuple[Tensor, Tensor]:  # noqa: ARG001
    """Images (N, 1, 28, 28) as uint8 and labels (N,). `root` is ignored.

    Every sixth image, in the order of the set, is a test image.
    """
    from sklearn.datasets import load_digits  # slow to import

    small, labels = load_digits(return_X_y=True)
    test = np.arange(len(labels)) % 6 == 0
    chosen = ~test if train else test
    pixels = torch.from_numpy(small[chosen]).reshape(-1, 1, 8, 8) * (255 / 16)
    large = F.interpolate(pixels, size=(28, 28), mode="bilinear", align_corners=False)
    return large.round().clamp(0, 255).to(torch.uint8), torch.from_numpy(labels[chosen]).long()
