"""Small stand-ins for MNIST's files: right names and sizes, holes or noise for content."""

from pathlib import Path

import numpy as np

from nas.data import dataset
from nas.data.torchvision_files import IMAGES_HEADER, LABELS_HEADER, TorchvisionFiles


def _training_files(root: Path) -> list[tuple[Path, int]]:
    mnist = dataset("mnist")
    assert isinstance(mnist.source, TorchvisionFiles)
    return mnist.source.files(mnist, root, train=True)


def write_mnist(root: Path) -> None:
    """Training files of the right size, without content."""
    for path, size in _training_files(root):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.truncate(size)


def write_noise(root: Path) -> None:
    """Training files of the right size, noise for images, and every label from 0 to 9."""
    write_mnist(root)
    (images, _), (labels, _) = _training_files(root)
    noise = np.random.default_rng(0)
    images.write_bytes(bytes(IMAGES_HEADER) + noise.bytes(60_000 * 28 * 28))
    values = noise.integers(0, 10, 60_000, dtype=np.uint8)
    labels.write_bytes(bytes(LABELS_HEADER) + values.tobytes())
