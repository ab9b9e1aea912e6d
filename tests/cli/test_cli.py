"""The command line as a user meets it: its flags, its errors, its tables."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from idx import write_mnist

import nas
from nas.cli.app import app, run
from nas.storage import adapter, studies
from nas.study import attributes
from nas.study.folder import Folder

pytestmark = pytest.mark.usefixtures("workplace")

FLAGS = {
    "search": [
        *("study", "start-from", "storage", "ray", "data-dir"),
        *("budget", "trials", "dataset", "seed", "space", "sampler", "early-stop"),
        *("min-params", "min-accuracy", "device", "workers", "max-draws", "artifacts", "epochs"),
    ],
    "status": [],
    "front": ["format"],
    "show": ["trial"],
    "report": ["compare", "output"],
    "dashboard": ["port", "host", "browser"],
    "verify": [
        *("trial", "front", "min-accuracy", "seeds", "target", "pass", "sustained"),
        *("device", "workers", "data-dir"),
    ],
    "export": [
        *("trial", "best", "smallest", "min-accuracy", "max-params", "format", "output"),
        "data-dir",
    ],
    "worker": ["storage", "space", "data-dir", "device", "workers", "artifacts"],
    "proxy": ["storage", "host", "port", "threads"],
    "spaces": [],
    "datasets": ["data-dir"],
}


def test_the_commands_and_their_flags_are_these() -> None:
    """A new flag is a decision: what a person changes per run is a flag, the rest is study.toml."""
    import typer

    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    found = {
        name: [option[2:] for p in command.params for option in p.opts if option.startswith("--")]
        for name, command in commands.items()
    }
    assert found == FLAGS


def test_the_version() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "nas", "--version"], check=True, capture_output=True, text=True
    )
    assert done.stdout == f"nas {nas.__version__}\n"


@pytest.mark.parametrize("command", [[], *([name] for name in FLAGS)])
def test_help_fits_80_columns(command: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "nas", *command, "--help"],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "80"},
    )
    assert max(len(line) for line in done.stdout.splitlines()) <= 80


BAD = [
    ("--budget 0", "budget = 0: must be a whole number, at least 1"),
    ("--budget -5", "budget = -5"),
    ("--budget many", "Invalid value for '--budget': 'many' is not a whole number"),
    (
        "--budget 42 --dataset digits",
        "budget 42 is below the smallest network of space conv, which",
    ),
    ("--trials 0", "trials = 0"),
    ("--epochs 0", "epochs = 0: must be a whole number from 1 to 15"),
    ("--epochs 16", "epochs = 16: must be a whole number from 1 to 15"),
    ("--space cnn", "unknown space 'cnn': known are conv, seeds"),
    ("--space ./none.py", "space ./none.py: there is no such file"),
    ("--dataset cifar", "unknown data set 'cifar': known are digits, mnist"),
    ("--device gpu --dataset digits", "unknown device 'gpu': known are auto, cpu"),
    ("--sampler cmaes", "unknown sampler 'cmaes': known are evolution, tpe"),
    ("--early-stop median", "unknown early_stop 'median': known are front, neighbours, asha"),
    (
        "--min-accuracy 100 --dataset digits",
        "min_accuracy = 100.0: must be a number from 0 to below 100",
    ),
    ("--min-params 9000", "min_params = 9000: it is at most the budget, 8000"),
    ("--start-from none.json", "--start-from none.json cannot be read"),
    ("--start-from nothing", "there is no study at studies/nothing"),
    ("--study a*b", "study 'a*b': a name has letters"),
    ("--data-dir cut", "train-images-idx3-ubyte has 77 bytes and should have 47,040,016"),
    ("--buget 5", "No such option: --buget"),
    ("--dataset digits --study ./file/x", "file/x cannot be written"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_bad_input_is_one_line_and_status_2(
    arguments: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write_mnist(Path("cut"))
    Path("cut/MNIST/raw/train-images-idx3-ubyte").write_bytes(b"7" * 77)
    Path("file").write_text("")
    assert run(["search", *arguments.split()]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("nas: ")
    assert output.err.count("\n") == 1
    assert message in output.err
    assert not Path("studies").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["front"], "there is no study under"),
        (
            ["front", "nothing"],
            "there is no study at studies/nothing: under ./studies there is none",
        ),
        (["status", "./nowhere"], "there is no study at nowhere"),
        (["show", "--trial", "x"], "Invalid value for '--trial': 'x' is not a whole number"),
        (
            ["front", "--format", "xml"],
            "Invalid value for '--format': 'xml' is not one of 'table', 'csv', 'json'",
        ),
        (["serach"], "No such command 'serach'"),
        (["report", "nothing"], "there is no study at studies/nothing"),
        (
            ["export", "--best", "--trial", "3"],
            "--trial, --best, --smallest and --max-params: give",
        ),
        (["export", "--smallest"], "--smallest and --min-accuracy go together"),
        (["export", "--min-accuracy", "99"], "--smallest and --min-accuracy go together"),
        (["export", "--format", "tflite"], "'tflite' is not one of 'python', 'onnx',"),
        (
            ["dashboard", "--port", "http"],
            "Invalid value for '--port': 'http' is not a whole number",
        ),
    ],
)
def test_a_wrong_command_is_one_line_and_status_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    output = capsys.readouterr()
    assert message in output.err
    assert output.err.count("\n") == 1


def test_a_search_says_what_it_does_and_ends_with_the_front(finished: Path) -> None:
    lines = (finished / "output.txt").read_text().splitlines()
    assert lines[0] == (
        "New study s: digits, at most 900 parameters, space conv, 7 trials of 2 epochs"
    )
    assert "worker-0 on cpu" in lines[1]
    assert sum(line.startswith("trial ") for line in lines) == 7
    assert any(line.startswith("Front of s: accuracy on held-out") for line in lines)
    assert any(line.startswith("trained 7/7, over budget ") for line in lines)
    assert lines[-1] == "Next: nas report ./s, nas dashboard ./s, nas verify ./s, nas export ./s"


def test_status_counts_and_says_that_it_is_complete(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["status", str(finished / "s")]) == 0
    output = " ".join(capsys.readouterr().out.split())
    assert "trained 7/7, over budget" in output
    assert "14 epochs trained" in output
    assert "The search is complete." in output


def test_status_says_how_to_resume(
    study: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(study.parent)
    opened = studies.load(Folder(study).location)
    settings = attributes.settings(opened)
    assert settings is not None
    adapter.set_study_attribute(opened, attributes.STUDY_SETTINGS, {**settings, "trials": 9})
    (study / "study.toml").unlink()
    assert run(["status", "./study"]) == 0
    # Without its ./ it would be another study, under ./studies.
    assert "To resume: nas search --study ./study\n" in capsys.readouterr().out


def test_an_edit_of_study_toml_changes_nothing_and_is_said(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The study's storage holds the settings."""
    settings = study / "study.toml"
    settings.write_text(settings.read_text().replace("trials = 7", "trials = 9"))
    assert run(["status", str(study)]) == 0
    said = capsys.readouterr()
    assert "The search is complete." in said.out
    assert f"{settings} was edited (trials 7 -> 9), but it is only a record" in said.err
    assert run(["search", "--study", str(study)]) == 2
    assert "trials 7 -> 9" in capsys.readouterr().err
    settings.write_text(settings.read_text().replace("epochs = 2", "epochs = 3"))
    assert run(["search", "--study", str(study), "--trials", "9"]) == 2
    said_again = capsys.readouterr().err
    assert "epochs 2 -> 3" in said_again
    assert "trials" not in said_again.partition("(")[2].partition(")")[0], "a flag says it too"


def test_the_front_in_three_formats_is_the_same(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = pd.read_csv(finished / "s" / "trials.csv")
    expected = table[table["is_pareto"]].sort_values("params")["number"].tolist()
    assert expected
    run(["front", str(finished / "s"), "--format", "json"])
    assert [row["number"] for row in json.loads(capsys.readouterr().out)] == expected
    run(["front", str(finished / "s"), "--format", "csv"])
    assert capsys.readouterr().out == (finished / "s" / "front.csv").read_text()
    run(["front", str(finished / "s")])
    lines = capsys.readouterr().out.splitlines()
    for number in expected:
        row = table.set_index("number").loc[number]
        assert any(
            f"{int(row['params']):,}" in line and row["architecture"] in line for line in lines
        )


def test_show_prints_layers_and_curve(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = pd.read_csv(finished / "s" / "trials.csv")
    trained = table[table["state"] == "trained"].iloc[0]
    assert run(["show", str(finished / "s"), "--trial", str(trained["number"])]) == 0
    output = capsys.readouterr().out
    assert f"Trial {trained['number']} of" in output
    assert f"{int(trained['params']):,} parameters" in output
    assert "Conv2d(1, " in output
    assert "held-out acc." in output
    assert f"{trained['val_accuracy']:.2f} %" in output
    assert run(["show", str(finished / "s"), "--trial", "999"]) == 2
    assert "has no trial 999: its trials are 0 to" in capsys.readouterr().err
    for number in table["number"]:
        assert run(["show", str(finished / "s"), "--trial", str(number)]) == 0


def test_a_reader_that_goes_away_is_no_error(finished: Path) -> None:
    command = f"{sys.executable} -m nas front {finished / 's'} --format json | true"
    done = subprocess.run(command, shell=True, check=False, capture_output=True, text=True)
    assert done.stderr == ""


def test_spaces_and_datasets_are_listed(
    mnist_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["spaces"]) == 0
    assert "Hand-made MNIST networks" in capsys.readouterr().out
    assert run(["datasets", "--data-dir", str(mnist_dir)]) == 0
    output = capsys.readouterr().out
    assert str(mnist_dir) in output
    assert "1,497 (249 held out)" in output
    assert "--dataset ./mine" in output


def test_the_formats_are_the_exporters() -> None:
    from nas.cli.export import Format
    from nas.export import isolated
    from nas.export.export import FORMATS

    assert [format.value for format in Format] == list(FORMATS) == list(isolated.FORMATS)
