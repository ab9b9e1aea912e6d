"""study.toml and the settings."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.errors import ConfigError, NasError
from nas.study import config


def test_a_configuration_survives_its_file(tmp_path: Path) -> None:
    made = config.from_settings(
        {"budget": 1_234, "dataset": "digits", "max_ram": 5_000, "lr": 0.01, "epochs": 3}
    )
    path = tmp_path / "study.toml"
    path.write_text(config.write(made, [{"torch": "2.0"}]))
    assert config.from_settings(config.read(path)) == made


def test_a_small_data_set_has_its_own_batch_size() -> None:
    assert config.from_settings({"dataset": "digits"}).recipe.batch_size == 16
    assert config.from_settings({"dataset": "digits", "batch_size": 32}).recipe.batch_size == 32
    assert config.from_settings({}).recipe.batch_size == 64


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"budget": 0}, "budget = 0: it is a whole number, at least 1"),
        ({"budget": -5}, "budget = -5"),
        ({"budget": "many"}, "budget = 'many'"),
        ({"budget": None}, "budget = None"),
        ({"trials": 0}, "trials = 0"),
        ({"workers": 0}, "workers = 0"),
        ({"seed": -1}, "seed = -1: it is a whole number, at least 0"),
        ({"epochs": 16}, "epochs = 16"),
        ({"dataset": "nothing"}, "unknown data set 'nothing'"),
        ({"budgets": 1}, "unknown setting 'budgets': known are artifacts, average, batch_size"),
        ({"space": ""}, "space = ''"),
    ],
)
def test_a_setting_that_cannot_work_is_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        config.from_settings(settings)
    assert str(error.value).startswith(message)


@pytest.mark.parametrize(
    "text", ["budget = ", "budget = 8_000\nrecipe = 3", "\x00", "a = " + "[" * 5_000]
)
def test_a_file_that_is_no_study_is_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "study.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as error:
        config.from_settings(config.read(path))
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)


@given(st.dictionaries(st.sampled_from(sorted(config._SETTINGS | config._RECIPE)), scalars))
def test_any_settings_make_a_configuration_or_a_clear_error(settings: dict[str, object]) -> None:
    try:
        made = config.from_settings(settings)
    except NasError:
        return
    assert config.from_settings(config.to_settings(made)) == made


def test_what_runs_a_study_may_change_and_what_it_is_may_not() -> None:
    old = config.to_settings(config.from_settings({}))
    assert config.differences(old, {"trials": 300, "workers": 1, "device": "cpu"}) == []
    assert config.differences(old, {"budget": 8_000}) == []
    assert config.differences(old, {"budget": 9_000, "epochs": 5}) == [
        "budget 8000 -> 9000",
        "epochs 15 -> 5",
    ]


@pytest.mark.parametrize(
    ("text", "made_with"),
    [
        ("", []),
        ('[environment]\ntorch = "2.0"', [{"torch": "2.0"}]),
        (
            '[[environment]]\ntorch = "2.0"\n[[environment]]\ncores = 2',
            [{"torch": "2.0"}, {"cores": "2"}],
        ),
    ],
)
def test_what_a_study_was_made_with(
    tmp_path: Path, text: str, made_with: list[dict[str, str]]
) -> None:
    path = tmp_path / "study.toml"
    path.write_text(text)
    assert config.environments(path) == made_with


@pytest.mark.parametrize("text", ["environment = 'x'", "environment = 3", "environment = [1]"])
def test_an_environment_that_is_no_table_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "study.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"environment = .*: it is a table, \[\[environment\]\]"):
        config.environments(path)


def test_a_study_from_before_a_setting_is_what_it_was(tmp_path: Path) -> None:
    """A study.toml that a person wrote has today's defaults; one of a study that exists has not."""
    settings = config.to_settings(config.from_settings({}))
    assert settings["average"] == 1.0
    file = tmp_path / "study.toml"
    text = config.write(config.from_settings({}), [{"nas": "0.1.0"}])
    later = ("average", "lr_without_norm", "flip", "fade", "fade_above", "bn_images")
    lines = text.splitlines()
    kept = [line for line in lines if line.partition(" = ")[0] not in later]
    assert len(kept) == len(lines) - len(later)
    file.write_text("\n".join(kept))
    recipe = config.from_settings(config.read(file)).recipe
    assert (recipe.average, recipe.lr_without_norm, recipe.fade) == (0.0, 1.0, 0.0)
    assert (
        config.differences(config.read(file), {"flip": 0.0, "fade_above": 0.0, "bn_images": 0})
        == []
    )
    file.write_text("budget = 2000\n")
    assert config.from_settings(config.read(file)).recipe.average == 1.0
