"""Everything that defines a study, and its file, study.toml."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from nas.architecture import Limits, Task
from nas.data import Dataset, check, dataset, ensure, own, search_path
from nas.errors import ConfigError, DataError, unknown
from nas.training import Recipe
from nas.training.device_name import check_device

# These say how long and where a study runs, not what it is: a resumed study may change them.
FREE = ("trials", "max_draws", "workers", "device", "storage", "artifacts")


@dataclass(frozen=True, slots=True)
class StudyConfig:
    """Everything that defines a study. Raises a `NasError` for values that cannot work."""

    dataset: str = "mnist"  # a data set's name, or the path of a folder
    budget: int = 8_000  # parameters at most
    trials: int = 200  # candidates that train
    max_draws: int | None = None  # draws at most, rejected ones included; None: 20 a trial
    space: str = "conv"  # a built-in space's name, or the path of a .py file
    sampler: str = "evolution"
    early_stop: str = "front"  # which candidates end at a rung
    seed: int = 0
    device: str = "auto"
    workers: int | None = None  # processes; None: see `default_workers`
    max_macs: int | None = None  # multiply-accumulates at most
    max_ram: int | None = None  # peak bytes of int8 activations at most
    min_params: int | None = None  # smaller candidates are not trained
    min_accuracy: float | None = None  # percent; what cannot come to it is stopped
    storage: str | None = None  # URL without a password; None: study.db in the study's folder
    artifacts: str | None = None  # where files go that all machines can reach; None: in the folder
    dataset_checksum: str | None = None  # of the training images in a folder of the user's
    recipe: Recipe = field(default_factory=Recipe)

    def __post_init__(self) -> None:
        check(self.dataset)
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if value is None and name in _OPTIONAL:
                continue
            if type(value) is not int or not least <= value < 2**31:
                raise ConfigError(f"{name} = {value!r}: it is a whole number, at least {least}")
        accuracy = self.min_accuracy
        if accuracy is not None and not (_is_number(accuracy) and 0 <= accuracy < 100):
            raise ConfigError(f"min_accuracy = {accuracy!r}: it is percent, from 0 to below 100")
        if self.min_params is not None and self.min_params > self.budget:
            raise ConfigError(
                f"min_params = {self.min_params}: it is at most the budget, {self.budget}"
            )
        for name in _WORDS:
            value = getattr(self, name)
            if value is None and name in _OPTIONAL:
                continue
            if not isinstance(value, str) or not value:
                raise ConfigError(f"{name} = {value!r}: it is a name")
        check_device(self.device)

    @property
    def data(self) -> Dataset:
        """The data set; raises `DataError` if it is in a folder that does not hold it."""
        return dataset(self.dataset)

    @property
    def dataset_name(self) -> str:
        """What the data set is called; that in a folder has the folder's name."""
        return dataset_name(self.dataset)

    def located(self, data_dir: Path | None, test: bool = False) -> "StudyConfig":
        """This configuration, with its data set where this machine has it.

        Downloads what can be; with `test` the test images' files have to be here too. Raises
        `DataError` if the data set is not here, or if the folder holds other training images than
        those that the study began with.
        """
        config = self
        if own.is_path(self.dataset):
            folder = own.find(Path(self.dataset), data_dir, search_path(None))
            found = own.checksum(folder)
            if self.dataset_checksum not in (None, found):
                raise DataError(
                    f"{folder} holds other training images than this study began with: put those "
                    "back, name their folder with --data-dir, or choose another --study"
                )
            config = replace(self, dataset=str(folder), dataset_checksum=found)
        ensure(config.data, data_dir, test)
        return config

    @property
    def task(self) -> Task:
        """What to classify, and within what."""
        limits = Limits(self.budget, self.max_macs, self.max_ram, self.min_params or 0)
        return Task(self.data.input_shape, self.data.classes, limits)

    @property
    def draws(self) -> int:
        """How many draws there may be in all."""
        return self.max_draws if self.max_draws is not None else 20 * self.trials


_LEAST = {
    "budget": 1,
    "trials": 1,
    "max_draws": 1,
    "seed": 0,
    "workers": 1,
    "max_macs": 1,
    "max_ram": 1,
    "min_params": 1,
}

_WORDS = (
    *("space", "sampler", "early_stop", "device"),
    *("storage", "artifacts", "dataset_checksum"),
)
_OPTIONAL = (
    *("max_draws", "workers", "max_macs", "max_ram", "min_params"),
    *("storage", "artifacts", "dataset_checksum"),
)
# What settings of today were before they had a name.
_BEFORE: dict[str, Any] = {
    **{"average": 0.0, "lr_without_norm": 1.0},
    **{"flip": 0.0, "fade": 0.0, "fade_above": 0.0, "bn_images": 0},
}
_SETTINGS = {f.name for f in fields(StudyConfig)} - {"recipe"}
_RECIPE = {f.name for f in fields(Recipe)}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def from_settings(settings: Mapping[str, Any]) -> StudyConfig:
    """The configuration of flat `settings`: names of `StudyConfig` and of `Recipe` together.

    Without a batch size it takes the data set's own.
    """
    for name in settings:
        if name not in _SETTINGS | _RECIPE:
            raise ConfigError(unknown("setting", name, sorted(_SETTINGS | _RECIPE)))
    config = StudyConfig(**{name: settings[name] for name in settings if name in _SETTINGS})
    recipe = {name: value for name, value in settings.items() if name in _RECIPE}
    if own.is_path(config.dataset):  # as it is called from any other directory too
        config = replace(config, dataset=str(Path(config.dataset).resolve()))
    if "batch_size" not in recipe:
        recipe["batch_size"] = config.data.batch_size
    return replace(config, recipe=Recipe(**recipe))


def to_settings(config: StudyConfig) -> dict[str, Any]:
    """All settings of `config`, flat; those that are None are left out."""
    settings = asdict(config)
    recipe = settings.pop("recipe")
    return {name: value for name, value in (settings | recipe).items() if value is not None}


def recorded(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The `settings` of a study that exists; what has no name in them yet is what it was then."""
    return {**_BEFORE, **settings}


def read(path: Path) -> dict[str, Any]:
    """The flat settings in a study.toml; raises `ConfigError` if it cannot be read as one.

    One that `nas` wrote is of a study that exists: see `recorded`.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}") from None
    except RecursionError:
        raise ConfigError(f"{path} is not a study's settings: it is nested too deep") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    ours = content.pop("environment", None) is not None
    recipe = content.pop("recipe", {})
    if not isinstance(recipe, dict):
        raise ConfigError(f"{path}: recipe = {recipe!r}: it is a table, [recipe]")
    return recorded(content | recipe) if ours else content | recipe


def environments(path: Path) -> list[dict[str, str]]:
    """All that the study of a study.toml has been made with, in the order in which it came.

    Raises `ConfigError` if that is not what `write` writes.
    """
    found = tomllib.loads(path.read_text(encoding="utf-8")).get("environment", [])
    found = [found] if isinstance(found, dict) else found  # one, as it was written formerly
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise ConfigError(f"{path}: environment = {found!r}: it is a table, [[environment]]")
    return [{str(name): str(value) for name, value in one.items()} for one in found]


def write(config: StudyConfig, made_with: Sequence[Mapping[str, str]]) -> str:
    """The text of study.toml: settings, the recipe, and all that the study was made with."""
    import tomli_w

    flat = to_settings(config)
    content = {name: value for name, value in flat.items() if name in _SETTINGS}
    content["recipe"] = {name: value for name, value in flat.items() if name in _RECIPE}
    content["environment"] = [dict(one) for one in made_with]
    return tomli_w.dumps(content)


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Which of the `new` settings would change what the study with the `old` ones is."""
    return [
        f"{name} {old.get(name)!r} -> {value!r}"
        for name, value in new.items()
        if name not in FREE and old.get(name) != value and not _moved(name, old.get(name), value)
    ]


def _moved(name: str, *values: object) -> bool:
    """Whether this is a data set's folder in another place; `located` tells whether it is it."""
    return name == "dataset" and all(isinstance(v, str) and own.is_path(v) for v in values)


def dataset_name(called: str) -> str:
    """What the data set that a search is given as `called` is called in its study's name."""
    return Path(called).resolve().name if own.is_path(called) else called
