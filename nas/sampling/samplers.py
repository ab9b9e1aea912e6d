"""The samplers: each entry makes an Optuna sampler from a seed, the search space and the task."""

import warnings
from collections.abc import Callable

import optuna
from optuna.samplers import BaseSampler

from nas.architecture import Task
from nas.errors import ConfigError, unknown
from nas.sampling.evolution import EvolutionSampler
from nas.spaces import Space


def _evolution(seed: int, space: Space, task: Task) -> BaseSampler:
    return EvolutionSampler(seed, space, task)


def _tpe(seed: int, *_: object) -> BaseSampler:
    """Multivariate TPE that follows the branches of a conditional space (`group`)."""
    with warnings.catch_warnings():
        # Both options are marked experimental; they are what the search is built on.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.samplers.TPESampler(multivariate=True, group=True, seed=seed)


def _random(seed: int, *_: object) -> BaseSampler:
    return optuna.samplers.RandomSampler(seed=seed)


def _nsga2(seed: int, *_: object) -> BaseSampler:
    return optuna.samplers.NSGAIISampler(seed=seed)


SAMPLERS: dict[str, Callable[[int, Space, Task], BaseSampler]] = {
    "evolution": _evolution,
    "tpe": _tpe,
    "random": _random,
    "nsga2": _nsga2,
}


def sampler(name: str, seed: int, space: Space, task: Task) -> BaseSampler:
    """The sampler called `name`, for a study of `space` and `task`; raises `ConfigError`, listing
    the known ones."""
    check(name)
    return SAMPLERS[name](seed, space, task)


def check(name: str) -> None:
    """Raise `ConfigError` if there is no sampler called `name`."""
    if name not in SAMPLERS:
        raise ConfigError(unknown("sampler", name, SAMPLERS))
