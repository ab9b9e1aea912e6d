"""The samplers: each entry makes an Optuna sampler from a seed, the search space and the task."""

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

from nas.errors import ConfigError, unknown

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler

    from nas.architecture import Task
    from nas.spaces import Space


def _evolution(seed: int, space: "Space", task: "Task") -> "BaseSampler":
    """Mutations of the front's members, screened by a predictor."""
    from nas.sampling.evolution import EvolutionSampler

    return EvolutionSampler(seed, space, task)


def _tpe(seed: int, *_: object) -> "BaseSampler":
    """Multivariate TPE; `group` samples the branches of a conditional space jointly."""
    import optuna

    with warnings.catch_warnings():
        # Optuna marks both options as experimental.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.samplers.TPESampler(multivariate=True, group=True, seed=seed)


def _random(seed: int, *_: object) -> "BaseSampler":
    """Independent random values."""
    import optuna

    return optuna.samplers.RandomSampler(seed=seed)


def _nsga2(seed: int, *_: object) -> "BaseSampler":
    """Optuna's NSGA-II."""
    import optuna

    return optuna.samplers.NSGAIISampler(seed=seed)


# Optuna is imported by the entries themselves: `nas --help` lists their names.
SAMPLERS: dict[str, Callable[[int, "Space", "Task"], "BaseSampler"]] = {
    "evolution": _evolution,
    "tpe": _tpe,
    "random": _random,
    "nsga2": _nsga2,
}


def sampler(name: str, seed: int, space: "Space", task: "Task") -> "BaseSampler":
    """The sampler called `name`, for a study of `space` and `task`.

    Raises `ConfigError`, which lists the known ones.
    """
    if name not in SAMPLERS:
        raise ConfigError(unknown("sampler", name, SAMPLERS))
    return SAMPLERS[name](seed, space, task)
