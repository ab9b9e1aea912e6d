"""Several machines on one study: who searches, who joins, and exact totals."""

import os
import shutil
import signal
import socket

import pytest
import tiny
from machines import PAUSE, WIDEST, Machine, check_whole, ends, some, until
from proc import PROC, session
from servers import QUOTED, SECRET, Postgres

from nas.records import State, trials
from nas.storage import studies
from nas.study.folder import Folder

pytestmark = [
    pytest.mark.usefixtures("workplace"),
    pytest.mark.skipif(not PROC.is_dir(), reason="looks workers up in /proc"),
]


@pytest.mark.extended
def test_machines_share_a_study_and_its_total_and_no_password_is_written(
    postgres: Postgres,
) -> None:
    first, second = (Machine(name, postgres.url, PAUSE) for name in ("first", "second"))
    searching = first.search(12, "--workers", "1", "--epochs", "4")
    until(some(first, State.RUNNING), "the search trains")
    host = socket.gethostname()
    joined = second.join("--workers", "2")
    until(some(first, State.TRAINED, 2, host), "the worker has trained")
    said = ends(searching) + ends(joined)
    records = check_whole(first, 12)
    assert len({r.worker for r in records if r.state is State.TRAINED}) == 3
    assert "trained 12/12" in said
    # Another machine reads what it needs; here the weights that the other one trained.
    theirs = next(r for r in records if r.worker.startswith(host))
    for command in (["export", "s", "--trial", str(theirs.number), "--format", "python"],
                    ["front", "s"], ["status", "s"], ["report", "s"]):  # fmt: skip
        said += ends(first.start(*command))
    assert (first.folder.path / "export").is_dir()
    for machine in (first, second):
        assert 'storage = "postgresql://nas@127.0.0.1' in machine.folder.settings.read_text()
    for text in (said, first.everything_written(), second.everything_written()):
        assert SECRET not in text
        assert QUOTED not in text
    # A third has another space, or cannot reach the weights, or asks for what is not there.
    third = Machine("third", postgres.url)
    tiny.write(WIDEST + 1, third.path, PAUSE)
    assert "is not the file that study s was made with" in ends(third.join(), 2)
    tiny.write(WIDEST, third.path, PAUSE)
    assert "which this machine does not reach" in ends(third.join("--artifacts", "./no"), 2)
    assert "holds no study called t" in ends(third.start("worker", "t"), 2)
    done = ends(third.join())
    assert "The study is complete." in done
    more = ends(third.search(13, "--workers", "1", "--epochs", "4"))
    assert "trained 13/13" in more, "a search on another machine goes on with the study"
    check_whole(third, 13)
    changed = ends(third.search(13, "--epochs", "2"), 2)
    assert "study s exists with other settings: epochs 4 -> 2" in changed


@pytest.mark.extended
def test_two_searches_begun_at_once_in_a_folder() -> None:
    """One of them searches, here until the other is gone; that one says why."""
    machine = Machine("one", pause=PAUSE)
    both = [machine.search(1_000, "--workers", "1", "--epochs", "2") for _ in range(2)]
    until(lambda: any(process.poll() is not None for process in both), "one of them is gone")
    loser, winner = sorted(both, key=lambda process: process.poll() is None)
    assert "is being searched by another process" in ends(loser, 2)
    until(some(machine, State.TRAINED, 2), "the other trains")
    winner.send_signal(signal.SIGINT)
    ends(winner, 130)
    trained = sum(record.state is State.TRAINED for record in machine.records())
    ends(machine.search(trained + 1, "--workers", "1", "--epochs", "2"))
    check_whole(machine, trained + 1)


@pytest.mark.extended
def test_two_searches_begun_at_once_on_two_machines(postgres: Postgres) -> None:
    """They want the same, so both search."""
    machines = [Machine(name, postgres.url) for name in ("one", "other")]
    both = [machine.search(4, "--workers", "1", "--epochs", "2") for machine in machines]
    for process in both:
        ends(process)
    check_whole(machines[0], 4)


@pytest.mark.parametrize("where", ["sqlite", pytest.param("postgres", marks=pytest.mark.extended)])
def test_two_searches_begun_at_once_with_other_settings(
    where: str, request: pytest.FixtureRequest
) -> None:
    """One of them is the study, and the other is told so."""
    url = request.getfixturevalue("postgres").url if where == "postgres" else None
    one = Machine("one", url)
    other = Machine("other", url) if url else one
    both = [
        machine.search(2, "--workers", "1", "--epochs", epochs)
        for machine, epochs in ((one, "2"), (other, "3"))
    ]
    said = [process.communicate(timeout=240)[0] for process in both]
    assert sorted(process.returncode or 0 for process in both) == [0, 2], said
    (loser,) = [text for text, process in zip(said, both, strict=True) if process.returncode]
    assert "other settings: epochs" in loser or "being searched" in loser
    winner = other if both[0].returncode else one
    found = [record for record in check_whole(winner, 2) if record.state is State.TRAINED]
    assert len({record.epochs for record in found}) == 1


@pytest.mark.extended
def test_a_folder_copied_while_its_search_runs_is_a_study_of_its_own() -> None:
    machine = Machine("one")
    searching = machine.search(6, "--workers", "2", "--epochs", "8")
    until(some(machine, State.TRAINED, 2), "two are trained")
    until(some(machine, State.RUNNING), "others are being trained")
    copy = machine.path / "studies" / "copy"
    shutil.copytree(machine.folder.path, copy)
    there = [
        r for r in trials.records(studies.load(Folder(copy).location)) if r.state is State.TRAINED
    ]
    assert there
    ends(machine.start("search", "--study", "copy", "--trials", "6", "--workers", "1"))
    ends(searching)
    check_whole(machine, 6)
    machine.folder.path.rename(machine.path / "studies" / "first")
    copy.rename(machine.folder.path)
    records = check_whole(machine, 6)
    assert {r.number for r in there} <= {r.number for r in records if r.state is State.TRAINED}


@pytest.mark.extended
def test_workers_join_and_leave_a_study_in_a_folder() -> None:
    """On one machine SQLite does, too."""
    machine = Machine("one", pause=PAUSE)
    searching = machine.search(14, "--workers", "1", "--epochs", "5")
    until(some(machine, State.RUNNING), "the search trains")
    joined = machine.join("--workers", "1")
    until(some(machine, State.RUNNING, 1, socket.gethostname()), "the worker trains")
    joined.send_signal(signal.SIGINT)
    said = ends(joined, 130)
    assert "Left. To join again: nas worker s" in said
    killed = machine.join("--workers", "1")
    until(some(machine, State.RUNNING, 1, socket.gethostname()), "the worker trains")
    for pid in session(killed):
        os.kill(pid, signal.SIGKILL)
    ends(searching)
    check_whole(machine, 14)
