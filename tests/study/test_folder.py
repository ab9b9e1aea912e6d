"""A study's folder: naming, finding, creating, resuming."""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from nas import spaces
from nas.errors import ConfigError, NasError, SpaceError, StudyError
from nas.spaces import Space
from nas.storage import adapter, studies
from nas.study import attributes, setup
from nas.study import config as configuration
from nas.study import folder as folders
from nas.study.config import StudyConfig

pytestmark = pytest.mark.usefixtures("workplace")

FLAGS = {"dataset": "digits", "budget": 500, "trials": 2}


def make(name: str | None = None, **flags: object) -> folders.Folder:
    """A study as a search makes it, without any trial."""
    folder = folders.placed(name, {**FLAGS, **flags}, None)
    config, space = setup.prepare(folder, {**FLAGS, **flags}, None)
    setup.write(folder, config, space)
    attributes.publish(studies.create(folder.location), config, space)
    return folder


def prepare(name: str, flags: Mapping[str, Any]) -> tuple[StudyConfig, Space]:
    """As a search does it, for a study that is new or resumed."""
    folder = folders.placed(name, flags, None)
    study = studies.find(folder.location)
    return setup.prepare(folder, flags, study)


def test_a_study_is_named_after_data_set_and_budget() -> None:
    assert make().path == Path("studies/digits-500")
    assert make("mine").path == Path("studies/mine")
    assert make("./elsewhere/this").path == Path("elsewhere/this")


@pytest.mark.parametrize(
    ("value", "given"),
    [
        ("one", "one"),
        ("./studies/one", "one"),
        ("./one", "./one"),
        ("one/two", "one/two"),
        (".", "."),
        ("./studies/a b", "studies/a b"),
        ("/one/two", "/one/two"),
    ],
)
def test_what_names_a_study_in_a_command_finds_it(value: str, given: str) -> None:
    folder = folders.named(value)
    assert folder.given == given
    assert folders.named(folder.given) == folder


@pytest.mark.parametrize("name", ["", "a b", "..", "-x", "a*", "é/../.."])
def test_a_name_that_is_no_name_is_refused_or_a_path(name: str) -> None:
    if os.sep in name or name == "..":
        assert folders.named(name).path == Path(name)
        return
    with pytest.raises(StudyError, match="a name has letters"):
        folders.named(name)


def test_the_default_study_is_the_last_one_written() -> None:
    with pytest.raises(StudyError, match="run `nas search` first"):
        folders.existing(None)
    make("one")
    make("two")
    now = time.time()
    for path in Path("studies/two").iterdir():
        os.utime(path, (now - 50, now - 50))
    for path in Path("studies/one").iterdir():
        os.utime(path, (now + 50, now + 50))
    assert folders.existing(None).name == "one"
    with pytest.raises(StudyError, match=r"under ./studies there is two, one"):
        folders.existing("three")


def test_the_folder_holds_the_settings_and_the_spaces_source() -> None:
    folder = make(epochs=3)
    config = attributes.config(studies.load(folder.location), folder)
    assert (config.recipe.epochs, config.budget) == (3, 500)
    assert "def sample(" in folder.space.read_text()
    assert configuration.environments(folder.settings) == [setup.versions()]


def test_the_settings_keep_all_that_a_study_was_made_with(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make()
    config = attributes.config(studies.load(folder.location), folder)
    first, newer = setup.versions(), {**setup.versions(), "torch": "99.0"}
    for versions in (first, newer, first):  # the last is there already
        monkeypatch.setattr(setup, "versions", lambda versions=versions: versions)
        setup.write(folder, config, folder.load_space(config.space))
    assert configuration.environments(folder.settings) == [first, newer]


def test_the_same_settings_or_none_resume_and_others_are_listed() -> None:
    make(epochs=3)
    for flags in ({}, FLAGS, {**FLAGS, "epochs": 3}, {"trials": 50, "workers": 1}):
        config, _ = prepare("digits-500", flags)
        assert (config.recipe.epochs, config.budget, config.dataset) == (3, 500, "digits")
    with pytest.raises(StudyError) as error:
        prepare("digits-500", {**FLAGS, "epochs": 4, "sampler": "random"})
    assert "epochs 3 -> 4, sampler 'evolution' -> 'random'" in str(error.value)
    assert "choose another --study" in str(error.value)


@pytest.mark.parametrize(("version", "who"), [("0.0.9", "nas 0.0.9"), (None, "an earlier version")])
def test_a_study_of_another_version_is_refused_in_one_line(version: str | None, who: str) -> None:
    """It lacks a setting of today's, whose default would change what the study is."""
    study = studies.load(make().location)
    settings = dict(adapter.study_attributes(study)[attributes.STUDY_SETTINGS])
    del settings["fade"]
    adapter.set_study_attribute(study, attributes.STUDY_SETTINGS, {**settings, "fading": 1})
    adapter.set_study_attribute(study, attributes.VERSION, version)
    with pytest.raises(StudyError) as error:
        prepare("digits-500", {})
    assert f"study digits-500 was created by {who}, whose settings differ" in str(error.value)
    assert "(fade, fading): use that version, or choose another --study" in str(error.value)


def test_a_study_toml_without_a_database_is_where_a_study_begins() -> None:
    path = Path("studies/prepared")
    path.mkdir(parents=True)
    (path / "study.toml").write_text('dataset = "digits"\nbudget = 900\n[recipe]\nlr = 0.01\n')
    config, _ = prepare("prepared", {"budget": 700})
    assert (config.budget, config.dataset, config.recipe.lr) == (700, "digits", 0.01)
    (path / "study.toml").write_text('dataset = "digits"\nbudgets = 900\n')
    with pytest.raises(ConfigError, match="unknown setting 'budgets'"):
        prepare("prepared", {})


def test_tables_without_their_database_are_neither_opened_nor_overwritten() -> None:
    """As the reference studies in the repository have them."""
    folder = make("kept")
    (folder.path / "trials.csv").write_text("number,state\n")
    for path in folder.path.glob("study.db*"):
        path.unlink()
    before = {path: path.read_bytes() for path in folder.path.iterdir() if path.is_file()}
    with pytest.raises(StudyError, match=r"there is no study under"):
        folders.existing(None)
    with pytest.raises(
        StudyError, match=r"studies/kept holds a study's tables without its database"
    ):
        folders.existing("kept")
    with pytest.raises(
        StudyError, match=r"studies/kept holds a study's tables without its database"
    ):
        folders.check_is_new(folders.placed("kept", {}, None))
    assert before == {path: path.read_bytes() for path in before}


def test_a_study_keeps_the_space_it_began_with() -> None:
    mine = Path("mine.py")
    mine.write_text(spaces.built_in()["conv"].read_text())
    folder = make("own", space="./mine.py")
    mine.write_text(mine.read_text() + "\n# changed\n")
    with pytest.raises(StudyError, match="has other content than the study"):
        prepare("own", {"space": "./mine.py"})
    mine.unlink()
    _, kept = prepare("own", {})
    assert kept.path == folder.space
    with pytest.raises(SpaceError, match="there is no such file"):
        prepare("new", {"space": "./mine.py"})


@pytest.mark.parametrize("content", [b"this is no database at all" * 100, b""])
def test_a_corrupt_database_is_named(content: bytes) -> None:
    folder = make()
    for path in Path(folder.path).glob("study.db*"):
        path.unlink()
    folder.database.write_bytes(content)
    with pytest.raises(StudyError) as error:
        studies.load(folder.location)
    assert str(folder.database) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_folder_that_cannot_be_written_is_named() -> None:
    Path("occupied").write_text("a file where a folder should be")
    with pytest.raises(NasError) as error:
        make("./occupied/study")
    assert "occupied/study cannot be written" in str(error.value)
