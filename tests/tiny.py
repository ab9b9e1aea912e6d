"""A user's space of nets with one convolution, which train an epoch in a moment."""

from pathlib import Path

SPACE = """
import time

import optuna

from nas.architecture import Architecture, Conv, Flatten, GlobalAvgPool, ReLU

def sample(trial, task):
    # Samplers look at drafts, which are no optuna.Trial, and the first check draws in no-name-...
    if isinstance(trial, optuna.Trial) and not trial.study.study_name.startswith("no-name"):
        time.sleep({pause})
    width = trial.suggest_int("width", 1, {widest})
    layers = (Conv(width, 5, stride=4), ReLU(), Conv(task.classes, 1), GlobalAvgPool(), Flatten())
    return Architecture(task.input_shape, layers)
"""


def write(widest: int = 200, folder: Path = Path(), pause: float = 0) -> str:
    """Write it to `folder`, with nets up to `widest` channels; gives the words for `--space`.

    Each draw takes `pause` seconds, so that a search lasts without needing a core for it.
    """
    (folder / "tiny.py").write_text(SPACE.format(widest=widest, pause=pause))
    return "./tiny.py"
