"""A storage that goes away and comes back: waited for, and nothing lost."""

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from machines import PAUSE, Machine, check_whole, ends, some, until
from proc import PROC
from servers import SECRET, Postgres, free_port

from nas.records import State

pytestmark = [
    pytest.mark.extended,
    pytest.mark.usefixtures("workplace"),
    pytest.mark.skipif(not PROC.is_dir(), reason="looks workers up in /proc"),
]


def test_a_database_that_stops_for_20_s_is_waited_for(postgres: Postgres) -> None:
    first, second = (Machine(name, postgres.url, PAUSE) for name in ("first", "second"))
    searching = first.search(10, "--workers", "1", "--epochs", "5")
    until(some(first, State.TRAINED), "the search has trained")
    joined = second.join("--workers", "1")
    until(some(first, State.RUNNING, 1, socket.gethostname()), "the worker trains")
    before = {r.number: r.accuracy for r in first.records() if r.state is State.TRAINED}
    postgres.stop()
    time.sleep(20)
    assert searching.poll() is None, searching.communicate()[0]
    assert joined.poll() is None, joined.communicate()[0]
    postgres.start()
    said = ends(searching)
    ends(joined)
    assert "the study's storage is unreachable, retrying: " in said
    assert SECRET not in said
    records = check_whole(first, 10)
    after = {r.number: r.accuracy for r in records if r.state is State.TRAINED}
    assert before.items() <= after.items()
    assert not [r for r in records if r.state is State.INTERRUPTED], "nothing was lost"


class Wire:
    """A line to a server that can be cut: what goes to its port is passed on, or nothing is."""

    def __init__(self, port: int) -> None:
        self.port = free_port()
        self._to = port
        self._up = threading.Event()
        self._up.set()
        self._open: list[socket.socket] = []
        self._server = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        self._up.clear()
        for line in self._open:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        self._up.set()

    def close(self) -> None:
        self.cut()
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                ours, _ = self._server.accept()
            except OSError:
                return
            if not self._up.is_set():
                ours.close()
                continue
            theirs = socket.create_connection(("127.0.0.1", self._to))
            self._open += [ours, theirs]
            for one, other in ((ours, theirs), (theirs, ours)):
                threading.Thread(target=self._pass, args=(one, other), daemon=True).start()

    def _pass(self, one: socket.socket, other: socket.socket) -> None:
        try:
            while data := one.recv(65_536):
                other.sendall(data)
        except OSError:
            pass
        finally:
            for line in (one, other):
                line.close()


def test_a_network_that_is_cut_and_comes_back_loses_nothing(postgres: Postgres) -> None:
    wire = Wire(postgres.port)
    url = postgres.url.replace(str(postgres.port), str(wire.port))
    first, second = Machine("first", postgres.url, PAUSE), Machine("second", url, PAUSE)
    searching = first.search(10, "--workers", "1", "--epochs", "5")
    until(some(first, State.TRAINED), "the search has trained")
    joined = second.join("--workers", "1")
    until(some(first, State.RUNNING, 1, socket.gethostname()), "the worker trains")
    wire.cut()
    time.sleep(10)
    assert joined.poll() is None, joined.communicate()[0]
    wire.mend()
    said = ends(joined)
    ends(searching)
    wire.close()
    assert "the study's storage is unreachable, retrying: " in said
    records = check_whole(first, 10)
    assert [r for r in records if r.worker.startswith(socket.gethostname())]


@contextmanager
def small_disk(place: Path, megabytes: int) -> Iterator[None]:
    """A file system of that size at `place`; skips where one may not be mounted."""
    place.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(place)]
    if os.getuid() or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("needs the right to mount a file system")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_a_full_disk_is_waited_for() -> None:
    machine = Machine("one")
    with small_disk(machine.folder.path, 8):
        searching = machine.search(6, "--workers", "2", "--epochs", "4")
        until(some(machine, State.TRAINED), "one is trained")
        ballast = machine.folder.path / "ballast"
        with suppress(OSError):  # a worker may take the last of it at the same moment
            ballast.write_bytes(bytes(shutil.disk_usage(machine.folder.path).free))
        assert shutil.disk_usage(machine.folder.path).free < 10_000
        time.sleep(10)
        assert searching.poll() is None, searching.communicate()[0]
        ballast.unlink()
        said = ends(searching)
        assert "the study's storage is unreachable, retrying: " in said
        check_whole(machine, 6)
        assert not list(machine.folder.path.rglob("*.part"))
