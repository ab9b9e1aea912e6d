"""study.toml and the settings."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.errors import ConfigError, NasError
from nas.setting import Scope, about, kind_of, rule
from nas.study import config
from nas.study.reference import page

REFERENCE = (Path(__file__).parents[2] / "docs" / "settings.md").read_text()


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
        ({"budget": 0}, "budget = 0: must be a whole number, at least 1"),
        ({"budget": -5}, "budget = -5"),
        ({"budget": "many"}, "budget = 'many'"),
        ({"budget": None}, "budget = None"),
        ({"trials": 0}, "trials = 0"),
        ({"workers": 0}, "workers = 0"),
        ({"seed": -1}, "seed = -1: must be a whole number, at least 0"),
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


@given(st.dictionaries(st.sampled_from(sorted(config.SETTINGS)), scalars))
def test_any_settings_make_a_configuration_or_a_clear_error(settings: dict[str, object]) -> None:
    try:
        made = config.from_settings(settings)
    except NasError:
        return
    assert config.from_settings(config.to_settings(made)) == made


def test_what_runs_a_study_may_change_and_what_it_is_may_not() -> None:
    old = config.to_settings(config.from_settings({}))
    new = {"trials": 300, "workers": 1, "device": "cpu", "budget": 9_000, "epochs": 5}
    assert config.changes(old, new, Scope.STUDY) == ["budget 8000 -> 9000", "epochs 15 -> 5"]
    assert config.changes(old, new, Scope.RUN) == ["trials 200 -> 300"]
    assert config.changes(old, {"budget": 8_000}, *Scope) == []


@pytest.mark.parametrize(
    ("text", "made_with"),
    [
        ("", []),
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


@pytest.mark.parametrize("name", config.SETTINGS)
def test_every_setting_is_defined_whole(name: str) -> None:
    """Its check, flag, line in study.toml and entry in the reference follow from the definition."""
    one = config.SETTINGS[name]
    assert about(one).help.endswith(".")
    assert kind_of(one) in (int, float, str)
    assert rule(one)
    assert f"| `{name}` |" in REFERENCE


def test_the_reference_page_is_what_the_definitions_say() -> None:
    """`python -m nas.study.reference > docs/settings.md` writes it."""
    assert page() == REFERENCE
