"""Candidates that were stopped early, in everything that is made of a study."""

from pathlib import Path

import optuna
import pandas as pd
import pytest
from optuna.trial import Trial, TrialState
from optuna_dashboard import get_note

from nas.architecture import Architecture, Conv, Flatten, GlobalAvgPool
from nas.cli.app import run as nas
from nas.records import State, trials
from nas.results import report, view
from nas.results.dashboard import Publisher
from nas.study.folder import Folder
from nas.training import Epoch

NET = Architecture((1, 28, 28), (Conv(10, stride=2), GlobalAvgPool(), Flatten()))
REASON = "12.50 % after epoch 1: its error is more than 1.1 times the 20.00 % of a smaller net"


@pytest.fixture
def stopped(study: Path) -> int:
    """The number of a candidate in the study that was stopped after its first epoch."""
    found: optuna.Study = view.open_study(str(study)).study
    found.sampler = optuna.samplers.RandomSampler(seed=0)
    trial = found.ask()
    trials.set_architecture(trial, NET)
    trials.set_curve(trial, [Epoch(1, 2.0, 12.0, 2.0, 12.5, 1.0)])
    state = {"state": State.STOPPED.value, "reason": REASON, "seed": 1, "worker": "worker-0"}
    trials.set_attributes(trial, {**state, trials.rung(1): 12.5})
    found.tell(trial, state=TrialState.PRUNED)
    return trial.number


def test_the_report_tells_them_apart(study: Path, stopped: int) -> None:
    found = view.open_study(str(study))
    assert stopped not in {record.number for record in found.front}
    figure = report.front_figure(found)
    (points,) = [t for t in figure.data if t.name == "stopped early (when it was stopped)"]
    assert (list(points.x), list(points.y)) == ([100], [12.5])
    assert "stopped after epoch 1" in points.text[0]
    assert report.facts(found)["epochs saved by early stopping"] == "1 of 16 (1 stopped)"
    assert "1 stopped early" in " ".join(report.summary(found))
    assert nas(["report", str(study)]) == 0
    assert "stopped early" in (study / "report.html").read_text()
    row = pd.read_csv(study / "trials.csv").set_index("number").loc[stopped]
    assert (row["state"], row["epochs"], row["val_accuracy"]) == ("stopped early", 1, 12.5)
    assert row["reason"] == REASON


def test_the_dashboard_says_why(study: Path, stopped: int) -> None:
    Publisher(Folder(study), view.open_study(str(study)).study).publish()
    again = view.open_study(str(study)).study
    note = get_note(Trial(again, again.get_trials()[stopped]._trial_id))
    assert f"Training ended: {REASON}." in note
    assert "`Conv2d(1, 10, kernel_size=3, stride=2, padding=1)`" in note


def test_they_cannot_be_exported_or_verified(
    study: Path, stopped: int, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in ("export", "verify"):
        assert nas([command, str(study), "--trial", str(stopped)]) == 2
        assert f"trial {stopped} is stopped early, so it has no network" in capsys.readouterr().err


def test_status_and_show_have_them(
    study: Path, stopped: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert nas(["status", str(study)]) == 0
    shown = capsys.readouterr().out
    assert "trained 8/7 (1 stopped early)" in shown
    assert "Early stopping saved 1 epochs: 1 stopped" in shown
    assert nas(["show", str(study), "--trial", str(stopped)]) == 0
    assert REASON in capsys.readouterr().out.replace("\n", " ")
