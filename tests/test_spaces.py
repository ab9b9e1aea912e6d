"""Loading a user's search space, and what it gets told."""

from pathlib import Path

import optuna
import pytest

from nas import spaces
from nas.architecture import Limits, Task
from nas.errors import ArchitectureError, ConfigError, SpaceError

GOOD = """
from nas.architecture import Architecture, Conv, Flatten, GlobalAvgPool

def sample(trial, task):
    width = trial.suggest_int("width", 4, 9)
    layers = (Conv(width), Conv(task.classes, 1), GlobalAvgPool(), Flatten())
    return Architecture(task.input_shape, layers)
"""


def write(tmp_path: Path, text: str) -> str:
    path = tmp_path / "mine.py"
    path.write_text(text)
    return str(path)


def test_a_file_of_the_users_is_a_space(tmp_path: Path, task: Task) -> None:
    loaded = spaces.load(write(tmp_path, GOOD))
    spaces.probe(loaded, task)
    drawn = loaded.sample(optuna.trial.FixedTrial({"width": 5}), task)
    assert drawn.summary() == "5 10k1 gap, no BN, no activation"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def sample(trial, task:\n", "has a syntax error in line 1"),
        ("x = 1\n", "has no function sample(trial, task)"),
        ("sample = 3\n", "has no function sample(trial, task)"),
        ("import nowhere_at_all\n", "cannot be imported: ModuleNotFoundError"),
        ("def sample(trial, task):\n    return [1, 2]\n", "sample returned [1, 2]: it should"),
        ("def sample(trial, task):\n    return 1 / 0\n", "sample raised ZeroDivisionError"),
        ("def sample(trial):\n    return None\n", "sample raised TypeError"),
        (GOOD.replace("task.classes", "7"), "a network with the output 7: the task has 10 classes"),
        (GOOD.replace("task.input_shape", "(3, 32, 32)"), "a network for images of 3 x 32 x 32"),
        (
            GOOD.replace("Conv(width)", "Conv(width, 31, 'valid')"),
            "none of 200 random draws can exist, for example: Conv at layer 1 needs height",
        ),
    ],
)
def test_a_space_that_does_not_work_is_one_clear_line(
    tmp_path: Path, task: Task, text: str, message: str
) -> None:
    name = write(tmp_path, text)
    with pytest.raises(SpaceError) as error:
        spaces.probe(spaces.load(name), task)
    assert message in str(error.value)
    assert name in str(error.value)
    assert "\n" not in str(error.value)


def test_an_impossible_draw_is_not_the_spaces_fault(tmp_path: Path, task: Task) -> None:
    text = GOOD.replace("Conv(width)", "Conv(width, 4 * width, 'valid')")
    loaded = spaces.load(write(tmp_path, text))
    spaces.probe(loaded, task)
    with pytest.raises(ArchitectureError):
        loaded.sample(optuna.trial.FixedTrial({"width": 9}), task)


def test_an_unknown_space_lists_the_known_ones() -> None:
    with pytest.raises(SpaceError, match="unknown space 'cnn': known are conv, seeds"):
        spaces.load("cnn")
    with pytest.raises(SpaceError, match="there is no such file"):
        spaces.load("./nowhere.py")


def test_a_hopeless_budget_says_what_the_smallest_net_has(tmp_path: Path) -> None:
    task = Task((1, 28, 28), 10, Limits(42))
    with pytest.raises(ConfigError, match="budget 42 is below the smallest network of space conv"):
        spaces.probe(spaces.load("conv"), task)
    spaces.probe(spaces.load("conv"), Task((1, 28, 28), 10, Limits(43)))
    # A space that does not tell its smallest is drawn from: width 4 has 90 parameters.
    with pytest.raises(ConfigError, match=r"of 200 random draws .* the smallest has 90"):
        spaces.probe(spaces.load(write(tmp_path, GOOD)), task)
