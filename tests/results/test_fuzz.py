"""A study's files may have been changed by anything: they are read, or refused in one line."""

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nas.errors import NasError
from nas.records import pareto_front
from nas.records.tables import rows
from nas.results import notes, report
from nas.results.view import open_study
from nas.study import config

TABLES = ("trial_user_attributes", "trial_system_attributes", "study_user_attributes")

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats()
    | st.text(max_size=10)
    | st.sampled_from(["trained", "<script>alert(1)</script>", "stopped early", "over budget"]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=10,
)


def refused(error: NasError) -> None:
    assert str(error)
    assert len(str(error)) < 2_000


@pytest.fixture(scope="module")
def broken(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study that was verified, to be broken over and over."""
    return Path(shutil.copytree(finished / "s", tmp_path_factory.mktemp("broken") / "s"))


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(TABLES), st.integers(0, 10**6), st.none() | values, st.booleans())
def test_a_study_with_any_attribute_changed_is_read_or_refused(
    broken: Path, table: str, which: int, value: Any, raw: bool
) -> None:
    connection = sqlite3.connect(broken / "study.db", isolation_level=None)
    key = {"t": "trial_user_attribute_id"}.get(table, f"{table[:-1]}_id")
    found = connection.execute(f"select {key}, value_json from {table}").fetchall()
    if not found:
        connection.close()
        return
    number, before = found[which % len(found)]
    text = str(value) if raw else json.dumps(value)
    connection.execute(f"update {table} set value_json = ? where {key} = ?", (text, number))
    try:
        study = open_study(f"{broken}")
        front = pareto_front(study.records)
        rows(study.records, study.runs)
        rows(front, study.runs)
        notes.study(study)
        for record in front:
            notes.candidate(record, study.config.recipe.epochs)
        assert "<script>alert(1)" not in "\n".join(report.summary(study))
    except NasError as error:
        refused(error)
    finally:
        connection.execute(f"update {table} set value_json = ? where {key} = ?", (before, number))
        connection.close()


def test_what_a_report_shows_is_escaped(study: Path) -> None:
    evil = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    connection = sqlite3.connect(study / "study.db", isolation_level=None)
    for key in ("architecture", "reason", "worker", "device"):
        connection.execute(
            "update trial_user_attributes set value_json = ? where key = ?", (json.dumps(evil), key)
        )
    connection.close()
    settled = (study / "study.toml").read_text()
    (study / "study.toml").write_text(settled.replace('system = "', f'system = "{evil}'))
    text = report.write(open_study(str(study)), [])
    assert "alert(1)" in text, "it is shown"
    assert "<script>alert(1)" not in text
    assert "<img src=x" not in text


lines = st.text(max_size=80) | st.sampled_from(
    ["budget = 1e400", "budget = 99999999999999999999", "[recipe]", 'space = "../../etc/passwd"',
     "[[recipe]]", "recipe = 5", "trials = [1]", "epochs = nan", 'storage = "x"', "[environment]",
     'dataset = "digits"', "lr = 1e308", "batch_size = 0", "a" * 5_000, "[" * 500, "\x00", "é = 1"]
)  # fmt: skip


@given(st.lists(lines, max_size=6))
def test_any_study_toml_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, text: list[str]
) -> None:
    path = tmp_path_factory.getbasetemp() / "study.toml"
    path.write_text("\n".join(text), encoding="utf-8", errors="surrogatepass")
    try:
        made = config.from_settings(config.read(path))
    except NasError as error:
        refused(error)
    else:
        assert config.from_settings(config.to_settings(made)) == made
