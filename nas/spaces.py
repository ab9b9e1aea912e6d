"""Load a search space: a built-in module or a user's file with `sample(trial, task)`."""

import importlib.util
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import optuna

from nas.architecture import Architecture, Task, show
from nas.errors import ArchitectureError, ConfigError, SpaceError, unknown

PROBE_DRAWS = 200


@dataclass(frozen=True, slots=True)
class Space:
    """A search space and its source file."""

    name: str
    path: Path
    _sample: Callable[[optuna.trial.BaseTrial, Task], Architecture]
    smallest: Callable[[Task], Architecture] | None
    start: Callable[[Task], Sequence[Mapping[str, Any]]]  # parameters to enqueue first
    summary: str  # the first line of its docstring

    def sample(self, trial: optuna.trial.BaseTrial, task: Task) -> Architecture:
        """Sample an architecture for `task`.

        Raises `ArchitectureError` for an impossible architecture, and `SpaceError` if the space's
        function raises another exception or returns something else.
        """
        try:
            architecture = self._sample(trial, task)
        except ArchitectureError:
            raise
        except Exception as error:
            line = traceback.extract_tb(error.__traceback__)[-1]
            raise SpaceError(
                f"space {self.name}: sample raised {type(error).__name__}: {error} "
                f"(line {line.lineno} of {line.filename})"
            ) from error
        if not isinstance(architecture, Architecture):
            raise SpaceError(
                f"space {self.name}: sample returned {_short(architecture)}: "
                "it should return a nas.Architecture"
            )
        if architecture.input_shape != task.input_shape:
            raise SpaceError(
                f"space {self.name}: sample returned a network for images of "
                f"{show(architecture.input_shape)}: the task has {show(task.input_shape)}"
            )
        if architecture.out_shape != (task.classes,):
            raise SpaceError(
                f"space {self.name}: sample returned a network with the output "
                f"{show(architecture.out_shape)}: the task has {task.classes} classes"
            )
        return architecture


def built_in() -> dict[str, Path]:
    """The files of the built-in spaces, by name."""
    import search_spaces

    folder = Path(str(search_spaces.__file__)).parent
    return {path.stem: path for path in sorted(folder.glob("[!_]*.py"))}


def locate(name: str) -> Path:
    """The file of the space `name`: a built-in space, or a path that ends in .py."""
    if name.endswith(".py"):
        path = Path(name)
        if not path.is_file():
            raise SpaceError(f"space {name}: there is no such file")
        return path
    known = built_in()
    if name not in known:
        raise SpaceError(unknown("space", name, [*known, "or a path that ends in .py"]))
    return known[name]


def load(name: str, path: Path | None = None) -> Space:
    """Load the space `name`, from `path` if given. This executes the file."""
    path = path or locate(name)
    module = _import(name, path)
    if not callable(getattr(module, "sample", None)):
        raise SpaceError(f"space {name}: {path} has no function sample(trial, task): add one")
    return Space(
        name=name,
        path=path,
        _sample=module.sample,
        smallest=getattr(module, "smallest", None),
        start=getattr(module, "start", lambda _: ()),
        summary=(module.__doc__ or "").strip().partition("\n")[0],
    )


def probe(space: Space, task: Task) -> None:
    """Check that `space` works and that its smallest network meets the budget.

    Raises `SpaceError` if a draw is not an architecture for `task`, and `ConfigError` if the budget
    is too small. A space without a function `smallest` is checked with random draws.
    """
    smallest = space.smallest(task) if space.smallest else None
    draws = 20 if smallest else PROBE_DRAWS
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    sampled: list[Architecture] = []
    error_text = ""
    for _ in range(draws):
        try:
            sampled.append(space.sample(study.ask(), task))
        except ArchitectureError as error:
            error_text = str(error)
    if smallest is None and not sampled:
        raise SpaceError(
            f"space {space.name}: none of {draws} random draws can exist, for example: {error_text}"
        )
    budget = task.limits.params
    minimum = smallest.params if smallest else min(candidate.params for candidate in sampled)
    if minimum <= budget:
        return
    if smallest:
        raise ConfigError(
            f"budget {budget} is below the smallest network of space {space.name}, which has "
            f"{minimum} parameters: choose at least {minimum}"
        )
    raise ConfigError(
        f"budget {budget}: of {draws} random draws from space {space.name} the smallest has "
        f"{minimum} parameters: choose at least that, or give the space a function smallest(task)"
    )


def _import(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"nas_space_{path.stem}", path)
    assert spec is not None, f"{path} ends in .py"
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses in the file look up their module here
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise SpaceError(
            f"space {name}: {path} has a syntax error in line {error.lineno}: {error.msg}"
        ) from None
    except Exception as error:
        raise SpaceError(
            f"space {name}: {path} cannot be imported: {type(error).__name__}: {error}"
        ) from error
    return module


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
