"""A user's own data set, from its first search to the exported training script."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import bars
import numpy as np
import pytest
import torch

from nas.cli.app import run as nas
from nas.data.images import Images
from nas.records import State
from nas.results import subjects, view

SEARCH = "search --dataset {} --budget 600 --trials {} --epochs 2 --workers 1 --device cpu"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the data set `bars` and a study of it. Read-only."""
    folder = tmp_path_factory.mktemp("own")
    bars.write(folder / "bars")
    words = SEARCH.format("./bars", 2).split()
    done = subprocess.run(
        [sys.executable, "-m", "nas", *words],
        check=False,
        capture_output=True,
        text=True,
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    assert "New study studies/bars-600: bars, at most 600 parameters" in done.stdout
    return folder


@pytest.fixture
def mine(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of `place` as the current directory, with the study's paths changed to it."""
    copy = Path(shutil.copytree(place, tmp_path / "mine"))
    settings = copy / "studies" / "bars-600" / "study.toml"
    settings.write_text(settings.read_text().replace(str(place), str(copy)))
    monkeypatch.chdir(copy)
    monkeypatch.delenv("NAS_DATA_DIR", raising=False)
    return copy


def spoil(file: Path) -> None:
    array = np.load(file)
    array[0] = (array[0] + 1) % 3
    np.save(file, array)


def test_its_networks_take_its_images_and_tell_its_classes(place: Path) -> None:
    opened = view.open_study(str(place / "studies" / "bars-600"))
    networks = [record.architecture for record in opened.records if record.state is State.TRAINED]
    assert len(networks) == 2
    for network in networks:
        assert network.input_shape == (3, bars.HEIGHT, bars.WIDTH)
        assert network.out_shape == (bars.CLASSES,)


def test_the_exported_script_trains_the_network_again(
    mine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert nas(["export", "-o", "out"]) == 0
    assert "Proven without nas" in capsys.readouterr().out
    best = view.open_study("bars-600").front[-1]
    done = subprocess.run(
        [sys.executable, "train.py", "--data", str(mine / "bars"), "--held-out", "--threads", "1"],
        check=False,
        capture_output=True,
        text=True,
        cwd=mine / "out",
        env={**os.environ, "PYTHONPATH": ""},
    )
    assert done.returncode == 0, done.stderr
    assert f"held-out accuracy {best.accuracy:.2f} %" in done.stdout.splitlines()[-2]
    last = best.curve[-1]
    assert f"training loss {last.train_loss:.4f}" in done.stdout.splitlines()[-2]


def test_in_int8_it_says_what_it_has_then(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert nas(["export", "--format", "onnx-int8", "-o", "int8"]) == 0
    best = view.open_study("bars-600").front[-1]
    said = re.search(
        r"Run without nas: (.+) % of the 80 held-out images; the trained network has (.+) %",
        capsys.readouterr().out,
    )
    assert said is not None
    assert float(said[2]) == pytest.approx(best.accuracy, abs=0.01)
    assert float(said[1]) >= float(said[2]) - 10, "nine classes in ten are the same"
    assert [path.name for path in (mine / "int8").iterdir()] == ["model.int8.onnx"]


def test_int8_is_calibrated_on_images_of_all_classes_where_they_are_sorted() -> None:
    labels = torch.arange(3).repeat_interleave(500)
    pixels = labels.to(torch.uint8).reshape(-1, 1, 1, 1)
    spread = subjects._spread(Images(pixels, labels), subjects.CALIBRATION)
    assert torch.bincount(spread.flatten().long()).tolist() == [171, 171, 170]
    few = Images(pixels[:5], labels[:5])
    assert len(subjects._spread(few, subjects.CALIBRATION)) == 5


def test_it_is_verified_and_reported(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert nas(["verify", "--trial", "0", "--seeds", "1", "--workers", "1"]) == 0
    assert "percent of the test images" in capsys.readouterr().out
    assert len(view.open_study("bars-600").runs) == 1
    assert nas(["report"]) == 0
    page = (mine / "studies" / "bars-600" / "report.html").read_text(encoding="utf-8")
    assert "bars, at most 600 parameters" in page


def test_test_images_that_are_missing_are_missed_before_anything_is_trained(
    mine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (mine / "bars" / "x_test.npy").unlink()
    assert nas(["verify"]) == 2
    assert "x_test.npy cannot be read" in capsys.readouterr().err
    assert nas(["export"]) == 0, "that reads no test image"


@pytest.mark.parametrize("file", ["x_train.npy", "y_train.npy"])
def test_a_study_goes_on_with_the_images_that_it_began_with_alone(
    mine: Path, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(mine / "bars" / file)
    for command in (SEARCH.format("./bars", 3).split(), ["verify"], ["export"]):
        assert nas(command) == 2
        assert "holds other training images than this study began with" in capsys.readouterr().err
    assert nas(["front"]) == 0, "what is known of it is still shown"


def test_its_folder_may_move(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (mine / "data").mkdir()
    (mine / "bars").rename(mine / "data" / "bars")
    assert nas(["front"]) == 0
    assert nas(["export"]) == 2
    assert re.search(r"bars/x_train.npy cannot be read .*--data-dir", capsys.readouterr().err)
    assert nas(["export", "--data-dir", "data"]) == 0
    assert nas([*SEARCH.format("data/bars", 3).split(), "--study", "bars-600"]) == 0
    assert "trained 3/3" in capsys.readouterr().out
    assert nas(["export"]) == 0, "the study knows its new place"
    assert nas([*SEARCH.format("digits", 3).split(), "--study", "bars-600"]) == 2
    assert "dataset " in capsys.readouterr().err


def test_a_worker_has_it_in_a_folder_of_its_own(
    mine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As on another machine."""
    url = f"journal://{mine}/study.log"
    words = [*SEARCH.format("./bars", 1).split(), "--storage", url, "--study", "shared"]
    assert nas(words) == 0
    (mine / "there").mkdir()
    (mine / "bars").rename(mine / "there" / "bars")
    capsys.readouterr()
    join = ["worker", "shared", "--storage", url, "--workers", "1"]
    assert nas(join) == 2
    assert "--data-dir" in capsys.readouterr().err
    assert nas([*join, "--data-dir", "there"]) == 0
    assert "Joining studies/shared: bars, at most" in capsys.readouterr().out
    spoil(mine / "there" / "bars" / "x_train.npy")
    assert nas([*join, "--data-dir", "there"]) == 2
    assert "other training images" in capsys.readouterr().err
