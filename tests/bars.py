"""A data set of a user's own: small colour images, not square, of a bar in one of three colours."""

from pathlib import Path

import numpy as np

HEIGHT, WIDTH, CLASSES = 18, 22, 3


def write(folder: Path, train: int = 480, test: int = 120) -> Path:
    """Write it into `folder`, which is made; returns that."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    for part, count in (("train", train), ("test", test)):
        labels = random.permutation(np.arange(count) % CLASSES)
        images = random.integers(0, 120, (count, HEIGHT, WIDTH, 3), dtype=np.uint8)
        for image, label in zip(images, labels, strict=True):
            row, column = random.integers(0, 10, 2)
            image[row : row + 6, column : column + 4, label] += 100
        np.save(folder / f"x_{part}.npy", images)
        np.save(folder / f"y_{part}.npy", labels.astype(np.uint8))
    return folder
