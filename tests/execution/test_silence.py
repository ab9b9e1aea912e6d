"""Workers and machines that hang, sleep or are lost: their silence tells."""

import os
import signal
import time
from pathlib import Path

import pytest
import tiny
from machines import WIDEST, Machine, check_whole, ends, some, until
from proc import PROC, session
from servers import Postgres

from nas.records import State

GRACE = 10  # seconds

pytestmark = [
    pytest.mark.usefixtures("workplace"),
    pytest.mark.skipif(not PROC.is_dir(), reason="looks workers up in /proc"),
]


@pytest.mark.extended
def test_what_a_lost_machine_was_training_is_trained_by_another(postgres: Postgres) -> None:
    """Its silence tells: nothing else of it can be seen from here."""
    first, second = (Machine(name, postgres.url, grace=GRACE) for name in ("first", "second"))
    searching = first.search(1, "--workers", "1", "--epochs", "15", "--max-draws", "100")
    ends(searching)
    before = {r.number: r.accuracy for r in first.records() if r.state is State.TRAINED}
    leaving = second.search(4, "--workers", "2", "--epochs", "15", "--max-draws", "100")
    until(some(second, State.RUNNING, 2), "the second machine trains")
    second.kill()
    assert leaving.returncode
    cut = {r.hash for r in second.records() if r.state is State.RUNNING}
    assert cut
    began = time.monotonic()
    searching = first.search(4, "--workers", "2", "--epochs", "15", "--max-draws", "100")
    ends(searching)
    assert time.monotonic() - began > 0.8 * GRACE, "nobody is given up before"
    records = check_whole(first, 4)
    trained = {r.number: r.accuracy for r in records if r.state is State.TRAINED}
    assert before.items() <= trained.items()
    assert cut <= {r.hash for r in records if r.state is State.TRAINED}


@pytest.mark.extended
def test_a_worker_that_hangs_is_replaced() -> None:
    machine = Machine("one", grace=GRACE)
    searching = machine.search(6, "--workers", "2", "--epochs", "8")
    until(some(machine, State.RUNNING, 2), "two workers train")
    victim = session(searching)[-1]  # the youngest
    os.kill(victim, signal.SIGSTOP)
    said = ends(searching)
    assert f"(killed after {GRACE} s without a heartbeat); its candidate is tried again" in said
    check_whole(machine, 6)
    assert not Path(f"/proc/{victim}").exists()


# The first worker that draws takes SQLite's lock and stops.
HANGS = """
import os, signal, sqlite3
import optuna

def hang():
    try:
        os.close(os.open("hung", os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return
    database = sqlite3.connect("studies/s/study.db", isolation_level=None)
    database.execute("begin immediate")
    os.kill(os.getpid(), signal.SIGSTOP)

def sample(trial, task):
    if isinstance(trial, optuna.Trial) and trial.study.study_name == "s":
        hang()
    return draw(trial, task)
"""


@pytest.mark.extended
def test_a_worker_that_hangs_with_the_database_locked_is_replaced() -> None:
    """Nobody can write until it is killed, neither the other worker nor who supervises them."""
    machine = Machine("one", grace=GRACE)
    space = tiny.SPACE.format(widest=WIDEST, pause=0).replace("def sample", "def draw")
    (machine.path / "tiny.py").write_text(space + HANGS)
    said = ends(machine.search(4, "--workers", "2", "--epochs", "2"))
    assert f"killed after {GRACE} s without a heartbeat" in said
    check_whole(machine, 4)


@pytest.mark.extended
def test_a_search_that_sleeps_goes_on() -> None:
    """As after Ctrl-Z and `fg`, or a night with the lid closed: nobody is taken for dead."""
    machine = Machine("one", grace=GRACE)
    searching = machine.search(4, "--workers", "2", "--epochs", "8")
    until(some(machine, State.RUNNING, 2), "two workers train")
    os.killpg(searching.pid, signal.SIGSTOP)
    time.sleep(GRACE + 5)
    os.killpg(searching.pid, signal.SIGCONT)
    said = ends(searching)
    assert "no heartbeat" not in said
    assert not [r for r in check_whole(machine, 4) if r.state is State.INTERRUPTED]
