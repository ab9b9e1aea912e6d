"""Load a data set from a folder of arrays."""

import numpy as np
import torch
from torch import Tensor


def load(root: str, train: bool) -> tuple[Tensor, Tensor]:
    """Images (N, C, H, W) as uint8 and labels (N,), from x_train.npy and so on in `root`."""
    part = "train" if train else "test"
    images, labels = (torch.from_numpy(np.load(f"{root}/{name}_{part}.npy")) for name in "xy")
    images = images.permute(0, 3, 1, 2) if images.ndim == 4 else images.unsqueeze(1)
    return images, labels.reshape(-1).long()
