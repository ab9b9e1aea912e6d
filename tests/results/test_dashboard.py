"""The dashboard: what we write into the study, and what a browser shows of it."""

import io
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest
from browser import Browser
from optuna.artifacts import download_artifact, get_all_artifact_meta
from optuna.artifacts.exceptions import ArtifactNotFound
from optuna.trial import Trial, TrialState
from optuna_dashboard import get_note, save_note
from servers import Postgres

from nas.cli.app import run as nas
from nas.records import Run, trials
from nas.results import view
from nas.results.dashboard import Publisher
from nas.study.artifacts import ArtifactStore
from nas.study.folder import Folder


def test_the_dashboard_of_a_study_on_a_server(
    postgres: Postgres, browser: Browser, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NAS_STORAGE", postgres.url)
    size = ["--dataset", "digits", "--budget", "900", "--trials", "2", "--epochs", "1"]
    assert nas(["search", "--study", "one", *size, "--device", "cpu", "--workers", "1"]) == 0
    with dashboard_of("one") as opened:
        found = view.open_study("one")
        browser.open(f"{opened}/note")
        browser.wait("return document.body.innerText", lambda text: "Kept up to date" in text)
        assert found.front[-1].architecture.summary() in browser.run(
            "return document.body.innerText"
        )
        browser.open(f"{opened}/trials?numbers={found.front[-1].number}")
        browser.wait("return document.body.innerText", lambda text: "weights.safetensors" in text)
    assert not (workplace / "studies" / "one" / "study.db").exists()


@pytest.fixture
def address(study: Path) -> Iterator[str]:
    """Where a running `nas dashboard` shows the study."""
    with dashboard_of(str(study)) as opened:
        yield opened


@contextmanager
def dashboard_of(study: str) -> Iterator[str]:
    """The address of a `nas dashboard` that runs while this is open."""
    command = [sys.executable, "-m", "nas", "dashboard", study, "--port", "0", "--no-browser"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    found = re.fullmatch(r"Dashboard: (http://127\.0\.0\.1:\d+/\S+)\n", process.stdout.readline())
    assert found, process.stderr.read() if process.stderr else ""
    yield found[1]
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")


def test_the_dashboard_in_a_browser(study: Path, address: str, browser: Browser) -> None:
    found = view.open_study(str(study))
    best = found.front[-1]
    browser.open(f"{address}/note")
    browser.wait("return document.body.innerText", lambda text: "Kept up to date by nas" in text)
    text = browser.run("return document.body.innerText")
    assert best.architecture.summary() in text
    assert f"nas search --study {study} --trials N" in text
    browser.open(f"{address}/trials?numbers={best.number}")
    browser.wait("return document.body.innerText", lambda text: "receptive field" in text)
    text = browser.run("return document.body.innerText")
    assert f"{best.params:,} parameters" in text
    assert "Training ended: it trained all 2 epochs." in text
    assert "weights.safetensors" in text
    link = browser.run(
        "return [...document.querySelectorAll('a[download]')].map(a => [a.download, a.href])"
    )
    source = dict(link)["model.py"]
    with urlopen(source) as answer:
        assert answer.read() == (study / "trials" / str(best.number) / "model.py").read_bytes()
    assert browser.run("return document.documentElement.scrollWidth") < 2_000, "it is cut or wraps"
    browser.open(address)
    browser.wait(
        "return document.body.innerText",
        lambda text: all(title in text for title in ("Front", "Hypervolume", "Learning curves")),
    )
    assert "accuracy" in browser.run("return document.body.innerText")
    assert browser.errors() == []


def test_every_trained_trial_has_its_artifacts(study: Path, tmp_path: Path) -> None:
    found = view.open_study(str(study))
    storage = found.study._storage
    store = ArtifactStore(found.folder.artifacts(found.config))
    complete = found.study.get_trials(states=(TrialState.COMPLETE,))
    assert len(complete) == 7
    for trial in complete:
        metas = get_all_artifact_meta(study_or_trial=trial, storage=storage)
        assert {meta.filename for meta in metas} == {"model.py", "weights.safetensors"}
        for meta in metas:
            path = tmp_path / f"{trial.number}-{meta.filename}"
            download_artifact(
                artifact_store=store, artifact_id=meta.artifact_id, file_path=str(path)
            )
            own = found.folder.trials / str(trial.number) / meta.filename
            assert path.read_bytes() == own.read_bytes()


def test_the_artifact_store_takes_uploads_and_leaves_other_files_alone(tmp_path: Path) -> None:
    store = ArtifactStore(str(tmp_path / "trials"))
    outside = tmp_path / "study.db"
    outside.write_bytes(b"a study")
    upload = "0f2a4a3e-7d1c-4e57-9d0e-111111111111"
    store.write(upload, io.BytesIO(b"notes"))
    store.write(b"7/model.py".hex(), io.BytesIO(b"source"))
    assert (tmp_path / "trials" / "7" / "model.py").read_bytes() == b"source"
    with store.open_reader(upload) as file:
        assert file.read() == b"notes"
    store.remove(upload)
    for artifact_id in (upload, b"../study.db".hex(), b"7/../../study.db".hex()):
        with pytest.raises(ArtifactNotFound):
            store.remove(artifact_id)
    assert outside.exists()


def test_notes_and_figures_follow_the_study(study: Path) -> None:
    folder = Folder(study)
    publisher = Publisher(folder, view.read(folder).study)
    publisher.publish()
    found = view.open_study(str(study))
    note = get_note(found.study)
    assert "No test image has been read" in note
    best = found.front[-1]
    trials.add_run(found.study, Run(best.number, 0, 1, 2, (93.21,), 0.3, 1.0, "cpu"))
    publisher.publish()
    again = view.open_study(str(study)).study
    assert "93.21 % on the test set" in get_note(again)
    (trial,) = (trial for trial in again.get_trials() if trial.number == best.number)
    assert "93.21 % on the test set" in get_note(Trial(again, trial._trial_id))


def test_a_persons_own_notes_stay(study: Path) -> None:
    found = view.open_study(str(study))
    (first, *_) = found.study.get_trials(states=(TrialState.COMPLETE,))
    save_note(found.study, "my own")
    save_note(Trial(found.study, first._trial_id), "mine as well")
    Publisher(Folder(study), found.study).publish()
    again = view.open_study(str(study))
    assert get_note(again.study) == "my own"
    assert get_note(Trial(again.study, first._trial_id)) == "mine as well"


def test_a_port_that_is_taken_is_one_line(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert nas(["dashboard", str(study), "--port", str(port), "--no-browser"]) == 2
    error = capsys.readouterr().err
    assert f"cannot listen at 127.0.0.1, port {port}" in error
    assert error.count("\n") == 1
    assert nas(["dashboard", str(study), "--port", "99999", "--no-browser"]) == 2
    assert "port 99999" in capsys.readouterr().err
