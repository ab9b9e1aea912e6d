"""The scripts of docs/scale.md do what it says: run with a stand-in for the scheduler alone."""

import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml
from servers import Postgres

from nas.records import State, trials
from nas.storage import backends, studies
from nas.study.folder import Folder

DOCS = Path(__file__).parent.parent / "docs" / "scale"
# What `srun` does: every task runs the command, and knows its number.
SRUN = """#!/usr/bin/env bash
while [[ $1 == --* ]]; do shift; done
for number in 0 1; do SLURM_PROCID=$number "$@" & done
wait
"""
pytestmark = pytest.mark.extended
SMALL = ["--dataset", "digits", "--device", "cpu", "--workers", "1", "--early-stop", "none"]


@pytest.fixture
def shell(workplace: Path) -> dict[str, str]:
    """An environment in which `nas` and `srun` are commands."""
    tools = workplace / "bin"
    tools.mkdir()
    (tools / "srun").write_text(SRUN)
    (tools / "nas").write_text(f'#!/bin/sh\nexec {sys.executable} -m nas "$@"\n')
    for tool in tools.iterdir():
        tool.chmod(0o755)
    return {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}


def trained(url: str, name: str) -> Counter[State]:
    return Counter(r.state for r in trials.records(studies.load(Folder(Path(name), url).location)))


def test_the_slurm_script(postgres: Postgres, shell: dict[str, str]) -> None:
    shell[backends.VARIABLE] = postgres.url
    words = ["--budget", "2000", "--trials", "6", "--epochs", "6", *SMALL]
    done = subprocess.run(
        ["bash", str(DOCS / "slurm.sh"), "batch", *words],
        **{"env": shell, "capture_output": True, "text": True, "timeout": 300, "check": False},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert trained(postgres.url, "batch")[State.TRAINED] == 6
    assert "The study is complete." in done.stdout
    del shell[backends.VARIABLE]
    done = subprocess.run(
        ["bash", str(DOCS / "slurm.sh"), "batch"],
        **{"env": shell, "capture_output": True, "text": True, "check": False},
    )
    assert done.returncode
    assert "set it to the URL of the database" in done.stderr


def test_the_commands_of_the_kubernetes_manifest(
    postgres: Postgres, shell: dict[str, str], tmp_path: Path
) -> None:
    """Each job's own command, with a folder for a bucket and a study that is small."""
    shell[backends.VARIABLE] = postgres.url
    search, workers = yaml.safe_load_all((DOCS / "kubernetes.yaml").read_text())
    for job in (search, workers):
        assert job["apiVersion"] == "batch/v1"
        assert job["kind"] == "Job"
        pod = job["spec"]["template"]["spec"]
        assert pod["restartPolicy"] == "OnFailure"
        (container,) = pod["containers"]
        assert container["envFrom"] == [{"secretRef": {"name": "nas"}}]
        assert backends.VARIABLE not in {one["name"] for one in container["env"]}
    (container,) = search["spec"]["template"]["spec"]["containers"]
    command = [*container["command"], *container["args"]]
    command[command.index("--trials") + 1] = "3"
    command[command.index("s3://BUCKET")] = str(tmp_path / "bucket")
    (container,) = workers["spec"]["template"]["spec"]["containers"]
    early = subprocess.run(container["command"], env=shell, capture_output=True, text=True)
    assert early.returncode == 2, "it is tried again: the study is not there yet"
    (tmp_path / "bucket").mkdir()
    for words in ([*command, *SMALL, "--epochs", "2"], container["command"]):
        assert shutil.which(words[0], path=shell["PATH"])
        done = subprocess.run(words, env=shell, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
    assert trained(postgres.url, "mnist-8000")[State.TRAINED] == 3
