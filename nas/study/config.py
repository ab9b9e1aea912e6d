"""Everything that defines a study, and its file, study.toml."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nas.architecture import Limits, Task
from nas.errors import ConfigError, DataError, unknown
from nas.pruning.early_stopping import RULES
from nas.sampling.samplers import SAMPLERS
from nas.setting import Scope, about, check, setting, settings_of
from nas.training import Recipe
from nas.training.device_name import check_device

if TYPE_CHECKING:
    from nas.data import Dataset

STUDY, TRAINING, RUNNING = "Study", "Candidates and training", "Where and how long"


def _check_dataset(name: str) -> None:
    from nas.data import check as check_name

    check_name(name)


def _check_artifacts(place: str) -> None:
    from nas.study.artifacts import check as check_place

    check_place(place)


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyConfig:
    """The settings of a study. Raises a `NasError` for values that cannot work."""

    budget: int = setting(8_000, "Parameters a candidate may have.", minimum=1, flag=STUDY)
    trials: int = setting(200, "Candidates to train.", minimum=1, scope=Scope.RUN, flag=STUDY)
    dataset: str = setting(
        "mnist",
        "See `nas datasets`; or ./mine, a folder of arrays.",
        check=_check_dataset,
        flag=STUDY,
    )
    seed: int = setting(0, "Random seed.", minimum=0, flag=STUDY)
    space: str = setting("conv", "See `nas spaces`; or ./mine.py, which is run.", flag=TRAINING)
    sampler: str = setting(
        "evolution", f"One of {', '.join(SAMPLERS)}.", choices=SAMPLERS, flag=TRAINING
    )
    early_stop: str = setting(
        "front", f"Early-stopping rule: {', '.join(RULES)}.", choices=RULES, flag=TRAINING
    )
    min_params: int | None = setting(
        None,
        "Smaller candidates are not trained.",
        minimum=1,
        flag=TRAINING,
        default_text="any size",
    )
    min_accuracy: float | None = setting(
        None,
        "In percent; candidates that cannot reach it are stopped.",
        minimum=0,
        below=100,
        flag=TRAINING,
    )
    max_macs: int | None = setting(None, "Multiply-accumulates at most.", minimum=1)
    max_ram: int | None = setting(None, "Peak bytes of int8 activations at most.", minimum=1)
    device: str = setting(
        "auto",
        "auto, cpu, cuda, cuda:N or mps.",
        check=check_device,
        scope=Scope.MACHINE,
        flag=RUNNING,
    )
    workers: int | None = setting(
        None,
        "Worker processes.",
        minimum=1,
        scope=Scope.MACHINE,
        flag=RUNNING,
        default_text="one a CPU core; three a GPU, 12 with NVIDIA's MPS",
    )
    max_draws: int | None = setting(
        None,
        "Draws in all, rejected ones included.",
        minimum=1,
        scope=Scope.RUN,
        flag=RUNNING,
        default_text="20 a trial",
    )
    artifacts: str | None = setting(
        None,
        "Shared folder or s3://BUCKET for the weights.",
        check=_check_artifacts,
        scope=Scope.RUN,
        flag=RUNNING,
        default_text="in the study's folder",
    )
    storage: str | None = setting(
        None, "URL of the storage, without its password.", scope=Scope.MACHINE
    )
    dataset_checksum: str | None = setting(None, "Of the training images in a folder of yours.")
    recipe: Recipe = field(default_factory=Recipe)

    def __post_init__(self) -> None:
        check(self)
        if self.min_params is not None and self.min_params > self.budget:
            raise ConfigError(
                f"min_params = {self.min_params}: it is at most the budget, {self.budget}"
            )

    @property
    def data(self) -> "Dataset":
        """The data set; raises `DataError` if it is in a folder that does not hold it."""
        from nas.data import dataset

        return dataset(self.dataset)

    @property
    def dataset_name(self) -> str:
        """The data set's name; that of one in a folder is the folder's."""
        return dataset_name(self.dataset)

    def located(self, data_dir: Path | None, test: bool = False) -> "StudyConfig":
        """This configuration, with its data set where this machine has it.

        Downloads what can be; with `test` the test images' files have to be here too. Raises
        `DataError` if the data set is not here, or if the folder holds other training images than
        those that the study began with.
        """
        from nas.data import arrays, ensure, search_path

        config = self
        if arrays.is_path(self.dataset):
            folder = arrays.find(Path(self.dataset), data_dir, search_path(None))
            found = arrays.checksum(folder)
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
        """What to classify, and within which limits."""
        limits = Limits(self.budget, self.max_macs, self.max_ram, self.min_params or 0)
        return Task(self.data.input_shape, self.data.classes, limits)

    @property
    def draws(self) -> int:
        """How many draws there may be in all."""
        return self.max_draws if self.max_draws is not None else 20 * self.trials


STUDY_SETTINGS, RECIPE_SETTINGS = settings_of(StudyConfig), settings_of(Recipe)
SETTINGS = STUDY_SETTINGS | RECIPE_SETTINGS
HEADING = "# A record for people. The study's storage holds the settings: an edit changes nothing."


def named(scope: Scope) -> list[str]:
    """The names of the settings of this scope."""
    return [name for name, one in SETTINGS.items() if about(one).scope is scope]


def from_settings(settings: Mapping[str, Any]) -> StudyConfig:
    """The configuration of flat `settings`: names of `StudyConfig` and of `Recipe` together.

    Without a batch size it takes the data set's own.
    """
    for name in settings:
        if name not in SETTINGS:
            raise ConfigError(unknown("setting", name, sorted(SETTINGS)))
    config = StudyConfig(**{name: settings[name] for name in settings if name in STUDY_SETTINGS})
    recipe = {name: value for name, value in settings.items() if name in RECIPE_SETTINGS}
    if _is_path(config.dataset):  # as it is called from any other directory too
        config = replace(config, dataset=str(Path(config.dataset).resolve()))
    if "batch_size" not in recipe:
        recipe["batch_size"] = config.data.batch_size
    return replace(config, recipe=Recipe(**recipe))


def to_settings(config: StudyConfig) -> dict[str, Any]:
    """All settings of `config`, flat; those that are None are left out."""
    settings = asdict(config)
    recipe = settings.pop("recipe")
    return {name: value for name, value in (settings | recipe).items() if value is not None}


def read(path: Path) -> dict[str, Any]:
    """The flat settings in a study.toml; raises `ConfigError` if it cannot be read as one."""
    content = _content(path)
    content.pop("environment", None)
    recipe = content.pop("recipe", {})
    if not isinstance(recipe, dict):
        raise ConfigError(f"{path}: recipe = {recipe!r}: it is a table, [recipe]")
    return content | recipe


def environments(path: Path) -> list[dict[str, str]]:
    """Versions and hardware of all searches on a study.toml's study, in their order.

    Raises `ConfigError` if they are not what `write` writes.
    """
    found = _content(path).get("environment", [])
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise ConfigError(f"{path}: environment = {found!r}: it is a table, [[environment]]")
    return [{str(name): str(value) for name, value in one.items()} for one in found]


def _content(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}") from None
    except RecursionError:
        raise ConfigError(f"{path} is not a study's settings: it is nested too deep") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None


def write(config: StudyConfig, made_with: Sequence[Mapping[str, str]]) -> str:
    """The text of study.toml: each setting with its help text, and what the study was made with."""
    import tomli_w

    flat = to_settings(config)
    content: dict[str, Any] = {name: flat[name] for name in STUDY_SETTINGS if name in flat}
    content["recipe"] = {name: flat[name] for name in RECIPE_SETTINGS}
    content["environment"] = [dict(one) for one in made_with]
    lines = [HEADING, *map(_commented, tomli_w.dumps(content).splitlines()), ""]
    return "\n".join(lines)


def _commented(line: str) -> str:
    name = line.partition(" = ")[0]
    return f"{line}  # {about(SETTINGS[name]).help}" if name in SETTINGS else line


def changes(old: Mapping[str, Any], new: Mapping[str, Any], *scopes: Scope) -> list[str]:
    """`name old -> new` for each setting of these scopes that `new` has otherwise than `old`."""
    names = [name for scope in scopes for name in named(scope)]
    return [
        f"{name} {old.get(name)!r} -> {value!r}"
        for name, value in new.items()
        if name in names and old.get(name) != value and not _moved(name, old.get(name), value)
    ]


def _moved(name: str, *values: object) -> bool:
    """Whether this is a data set's folder in another place; `located` checks what it holds."""
    return name == "dataset" and all(isinstance(v, str) and _is_path(v) for v in values)


def dataset_name(called: str) -> str:
    """The data set's part of its study's name; `called` is its name or the path of a folder."""
    return Path(called).resolve().name if _is_path(called) else called


def _is_path(dataset: str) -> bool:
    from nas.data import arrays

    return arrays.is_path(dataset)
