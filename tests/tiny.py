"""A user's space of nets with one convolution, which train an epoch in a moment."""

from pathlib import Path

SPACE = """
from nas.architecture import Architecture, Conv, Flatten, GlobalAvgPool, ReLU

def sample(trial, task):
    width = trial.suggest_int("width", 1, {widest})
    layers = (Conv(width, 5, stride=4), ReLU(), Conv(task.classes, 1), GlobalAvgPool(), Flatten())
    return Architecture(task.input_shape, layers)
"""


def write(widest: int = 200, folder: Path = Path()) -> str:
    """Write it to `folder`, with nets up to `widest` channels; gives the words for `--space`."""
    (folder / "tiny.py").write_text(SPACE.format(widest=widest))
    return "./tiny.py"
