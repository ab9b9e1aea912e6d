"""Neural architecture search for tiny convolutional networks.

The names here are the public ones. Those that need torch are imported when they are first used.
"""

from typing import TYPE_CHECKING, Any

from nas.architecture import Architecture, Limits, Task
from nas.errors import NasError
from nas.records import Record, pareto_front
from nas.training import Recipe

if TYPE_CHECKING:
    from nas.architecture.module import build
    from nas.study.config import StudyConfig
    from nas.training.fit import Fit, fit

__all__ = [
    "Architecture",
    "Fit",
    "Limits",
    "NasError",
    "Recipe",
    "Record",
    "StudyConfig",
    "Task",
    "build",
    "fit",
    "pareto_front",
]

_LATER = {
    "build": "nas.architecture.module",
    "Fit": "nas.training.fit",
    "fit": "nas.training.fit",
    "StudyConfig": "nas.study.config",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from nas.version import installed_version

        return installed_version()
    if name not in _LATER:
        raise AttributeError(f"module 'nas' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_LATER[name]), name)
