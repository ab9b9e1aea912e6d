"""Any command line is carried out or refused: status 0 or 2, one line, no traceback."""

from pathlib import Path

import pytest
import typer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nas.cli.app import app, run

FLAGS = {
    name: [option[2:] for p in command.params for option in p.opts if option[:2] == "--"]
    for name, command in typer.main.get_command(app).commands.items()  # type: ignore[attr-defined]
}

words = (
    st.text(max_size=12)
    | st.integers(-(10**30), 10**30).map(str)
    | st.floats().map(str)
    | st.sampled_from(
        ["s", "./s", "..", "/", "/dev/null", "~", "*", "-", "--", "postgresql://", "sqlite://", "",
         "grpc://::1", "redis://[", "journal:///dev/null/x", "s3://", "a" * 300, "\x00", "../../x",
         "nan", "true", "conv", "digits", "mysql://u:p@h:999999/d", "http://[::1"]
    )
)  # fmt: skip
# Those that would begin to work, listen or wait are given what they refuse as well.
pytestmark = pytest.mark.usefixtures("workplace")

QUIET = [name for name in FLAGS if name not in ("dashboard", "proxy", "worker", "search", "verify")]


@st.composite
def command_lines(draw: st.DrawFn) -> list[str]:
    name = draw(st.sampled_from(QUIET))
    line = [name]
    for _ in range(draw(st.integers(0, 3))):
        if FLAGS[name] and draw(st.booleans()):
            line.append(f"--{draw(st.sampled_from(FLAGS[name]))}")
        line.append(draw(words))
    return line


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(command_lines())
def test_any_command_line_is_carried_out_or_refused_in_one_line(
    capsys: pytest.CaptureFixture[str], line: list[str]
) -> None:
    status = run(line)
    said = capsys.readouterr()
    assert status in (0, 2)
    if status == 2:
        assert said.err.startswith("nas: ")
        assert said.err.count("\n") == 1


numbers = st.integers(-(10**20), 0).map(str) | st.text(max_size=8).filter(
    lambda text: not text.strip().lstrip("+-").replace("_", "").isdecimal()
)
whole = ["budget", "trials", "epochs", "workers", "max-draws", "min-params"]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(whole), numbers)
def test_no_search_begins_with_a_number_that_is_none(
    workplace: Path, capsys: pytest.CaptureFixture[str], flag: str, value: str
) -> None:
    assert run(["search", "--dataset", "digits", f"--{flag}={value}"]) == 2
    said = capsys.readouterr()
    assert said.err.startswith("nas: ")
    assert said.err.count("\n") == 1
    assert not (workplace / "studies").exists()


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words.filter(lambda text: not text.startswith(("mysql://u", "grpc://:"))))
def test_no_search_begins_with_a_storage_that_is_none(
    workplace: Path, capsys: pytest.CaptureFixture[str], url: str
) -> None:
    assert run(["search", "--dataset", "digits", "--study", "x", f"--storage={url}"]) == 2
    said = capsys.readouterr()
    assert said.err.startswith("nas: ")
    assert said.err.count("\n") == 1
    assert not (workplace / "studies").exists()
