"""The samplers: each entry makes an Optuna sampler from a seed."""

import warnings
from collections.abc import Callable

import optuna
from optuna.samplers import BaseSampler

from nas.errors import ConfigError, unknown


def _tpe(seed: int) -> BaseSampler:
    """Multivariate TPE that follows the branches of a conditional space (`group`)."""
    with warnings.catch_warnings():
        # Both options are marked experimental; they are what the search is built on.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.samplers.TPESampler(multivariate=True, group=True, seed=seed)


def _random(seed: int) -> BaseSampler:
    return optuna.samplers.RandomSampler(seed=seed)


def _nsga2(seed: int) -> BaseSampler:
    return optuna.samplers.NSGAIISampler(seed=seed)


SAMPLERS: dict[str, Callable[[int], BaseSampler]] = {
    "tpe": _tpe,
    "random": _random,
    "nsga2": _nsga2,
}


def sampler(name: str, seed: int) -> BaseSampler:
    """The sampler called `name`; raises `ConfigError`, listing the known ones."""
    check(name)
    return SAMPLERS[name](seed)


def check(name: str) -> None:
    """Raise `ConfigError` if there is no sampler called `name`."""
    if name not in SAMPLERS:
        raise ConfigError(unknown("sampler", name, SAMPLERS))
