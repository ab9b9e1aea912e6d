"""Real servers for tests, each with a folder and a port of its own, to be stopped at will."""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import ClassVar

import pytest

SECRET = "s3cr+t/pass"  # in a URL it has to be quoted
QUOTED = "s3cr%2Bt%2Fpass"


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def program(*names: str) -> str:
    """The first of these programs that is there; skips where none is, but never in CI."""
    places = [*os.environ["PATH"].split(":"), "/usr/sbin"]
    places += [str(path) for path in sorted(Path("/usr/lib/postgresql").glob("*/bin"))]
    for name in names:
        found = shutil.which(name, path=":".join(places))
        if found:
            return found
    assert not os.environ.get("CI"), f"CI installs {names[0]}"
    pytest.skip(f"needs {names[0]}: see .ci/run")


class Server:
    """A server that listens on loopback."""

    user: ClassVar[str] = ""  # who runs it, where root may not

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        folder.mkdir()
        if os.getuid() == 0 and self.user:
            shutil.chown(folder, self.user, self.user)
        self.prepare()

    @property
    def url(self) -> str:
        raise NotImplementedError

    def prepare(self) -> None:
        """Make what the server needs, once."""

    def command(self) -> list[str]:
        raise NotImplementedError

    def start(self) -> None:
        """Start it, and wait until it listens."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self.as_user(self.command()), stdout=log, stderr=log, start_new_session=True
            )
        for _ in range(300):
            assert self.process.poll() is None, (self.folder / "log").read_text()
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.1)
            else:
                return
        pytest.fail((self.folder / "log").read_text())

    def stop(self, how: int = signal.SIGQUIT) -> None:
        """End it at once; what it has confirmed is on disk."""
        assert self.process is not None
        self.process.send_signal(how)
        self.process.wait(30)

    def as_user(self, command: list[str]) -> list[str]:
        """`command` as the user who may run it."""
        if os.getuid() == 0 and self.user:
            become = ("setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--init-groups")
            return [*become, *command]
        return command

    def run(self, *command: str, given: str = "") -> None:
        """Run a command to its end, as that user."""
        done = subprocess.run(
            self.as_user(list(command)), input=given, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr + done.stdout


class Postgres(Server):
    user = "postgres"

    @property
    def url(self) -> str:
        return f"postgresql://nas:{QUOTED}@127.0.0.1:{self.port}/nas"

    def prepare(self) -> None:
        data = str(self.folder / "data")
        self.run(program("initdb"), "-D", data, "-A", "scram-sha-256", "-U", "nas", "--pwfile",
                 str(self._password()), "-E", "UTF8", "--no-sync")  # fmt: skip

    def _password(self) -> Path:
        path = self.folder / "password"
        path.write_text(SECRET)
        return path

    def command(self) -> list[str]:
        data = str(self.folder / "data")
        settings = [f"port={self.port}", "listen_addresses=127.0.0.1", "max_connections=200"]
        settings.append(f"unix_socket_directories={self.folder}")
        options = [word for setting in settings for word in ("-c", setting)]
        return [program("postgres"), "-D", data, *options]

    def make_database(self) -> None:
        """Make the empty database of the URL; the server runs."""
        statement = "create database nas"
        address = f"postgresql://nas:{QUOTED}@127.0.0.1:{self.port}/postgres"
        for _ in range(100):  # it listens before it is ready
            done = subprocess.run(
                [program("psql"), address, "-c", statement], capture_output=True, check=False
            )
            if done.returncode == 0:
                return
            time.sleep(0.1)
        pytest.fail(done.stderr.decode())


class Redis(Server):
    @property
    def url(self) -> str:
        return f"redis://:{QUOTED}@127.0.0.1:{self.port}/0"

    def command(self) -> list[str]:
        return [
            *(program("redis-server"), "--port", str(self.port), "--bind", "127.0.0.1"),
            *("--requirepass", SECRET, "--dir", str(self.folder)),
            *("--appendonly", "yes", "--appendfsync", "always"),
        ]


class MariaDB(Server):
    user = "mysql"

    @property
    def url(self) -> str:
        return f"mysql://nas:{QUOTED}@127.0.0.1:{self.port}/nas"

    def prepare(self) -> None:
        install = program("mariadb-install-db")
        data = f"--datadir={self.folder / 'data'}"
        self.run(install, "--no-defaults", data, "--auth-root-authentication-method=normal")

    def command(self) -> list[str]:
        first = self.folder / "first.sql"
        first.write_text(
            "create database if not exists nas character set utf8mb4;\n"
            f"create or replace user nas@'127.0.0.1' identified by '{SECRET}';\n"
            "grant all on nas.* to nas@'127.0.0.1';\n"
        )
        return [
            *(program("mariadbd"), "--no-defaults", f"--datadir={self.folder / 'data'}"),
            *(f"--port={self.port}", "--bind-address=127.0.0.1", "--skip-name-resolve"),
            *(f"--socket={self.folder / 'socket'}", f"--init-file={first}"),
        ]
