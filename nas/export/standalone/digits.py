"""Where an exported train.py has the embedded digits from."""

import torch
from torch import Tensor

from nas.data.files import embedded_digits


def load(root: str, train: bool) -> tuple[Tensor, Tensor]:  # noqa: ARG001 - they are embedded
    """Images (N, 1, H, W) as bytes and labels (N,): pip install scikit-learn."""
    images, labels = embedded_digits(28, train)
    return torch.from_numpy(images).unsqueeze(1), torch.from_numpy(labels).long()
