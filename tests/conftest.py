"""What several tests share: real digits, tasks, and where the real MNIST is."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from hypothesis import settings
from servers import MariaDB, Postgres, Redis

from nas.architecture import Limits, Task
from nas.data import dataset
from nas.data.files import cache_dir
from nas.data.images import Split, load_split
from nas.storage import rdb
from nas.training import Recipe
from nas.training.tuning import arithmetic_for

if TYPE_CHECKING:
    from browser import Browser

# Derandomised, so that a run of CI repeats; no deadline, because the machines' speed varies.
settings.register_profile("ci", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("ci")

torch.set_num_threads(1)

# A shell starts what runs in its background with SIGINT ignored, and every process that a test
# starts would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


# The files that take longest come first, so that none of the workers is left with one of them when
# the others have nothing more to do.
LONGEST = (
    "test_backends.py",
    "test_machines.py",
    "test_cluster.py",
    "test_silence.py",
    "test_outages.py",
    "test_api.py",
    "test_export.py",
    "test_verify.py",
    "test_scale.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, the others in their order; a browser is for `make test-all`."""
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.extended)
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The user's cache is not for tests to read or write."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def digits() -> Split:
    """The embedded digits, split as a search splits them."""
    return load_split(dataset("digits"))


@pytest.fixture
def task() -> Task:
    """Ten classes of 28 x 28 images, at most 8,000 parameters."""
    return Task((1, 28, 28), 10, Limits(8_000))


@pytest.fixture(scope="session")
def mnist_dir() -> Path:
    """The folder with the real MNIST; skips where there is none."""
    root = os.environ.get("NAS_DATA_DIR")
    if not root or not (Path(root) / "MNIST" / "raw").is_dir():
        pytest.skip("the real MNIST is not here: set NAS_DATA_DIR to torchvision's folder of it")
    return Path(root).resolve()


@pytest.fixture(scope="session")
def arithmetic() -> Path:
    """The file in which a machine's fastest arithmetic is remembered; timing it takes a second."""
    arithmetic_for(torch.device("cpu"), Recipe())
    return cache_dir() / "arithmetic.json"


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arithmetic: Path) -> Path:
    """An empty current directory and cache, on a machine whose arithmetic has been timed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    cache_dir().mkdir(parents=True)
    shutil.copy(arithmetic, cache_dir())
    return tmp_path


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small finished study, `s`, beside what its search printed. Not to be changed."""
    folder = tmp_path_factory.mktemp("finished")
    command = "search --dataset digits --budget 900 --trials 7 --epochs 2 --workers 1 --study ./s"
    command += " --sampler tpe --seed 4"  # which also draws what is over the budget
    done = subprocess.run(
        [sys.executable, "-m", "nas", *command.split()],
        check=False,
        capture_output=True,
        text=True,
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    (folder / "output.txt").write_text(done.stdout)
    return folder


@pytest.fixture
def study(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished study, to be changed at will."""
    return Path(shutil.copytree(finished / "s", tmp_path / "study"))


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[Postgres]:
    """A PostgreSQL that runs, with an empty database."""
    server = Postgres(_open_to_all(tmp_path) / "postgres")
    server.start()
    try:
        server.make_database()
        with _disconnected():
            yield server
    finally:
        server.stop()


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    """A Redis that runs, and is empty."""
    server = Redis(tmp_path / "redis")
    server.start()
    yield server
    server.stop(signal.SIGTERM)


@pytest.fixture
def mariadb(tmp_path: Path) -> Iterator[MariaDB]:
    """A MariaDB that runs, with an empty database."""
    server = MariaDB(_open_to_all(tmp_path) / "mariadb")
    server.start()
    with _disconnected():
        yield server
    server.stop(signal.SIGTERM)


@contextmanager
def _disconnected() -> Iterator[None]:
    """The connections that were opened inside are closed in the end; in life their process ends."""
    opened: list[rdb.Database] = []
    with pytest.MonkeyPatch.context() as patch:
        connect = rdb.server
        patch.setattr(rdb, "server", lambda url: opened.append(connect(url)) or opened[-1])
        yield
    for database in opened:
        database.engine.dispose()


def _open_to_all(folder: Path) -> Path:
    """A folder that the servers' users can reach; pytest's own are root's."""
    made = Path(tempfile.mkdtemp(prefix=f"{folder.name}-"))
    made.chmod(0o755)
    return made


@pytest.fixture(scope="session")
def browser() -> Iterator["Browser"]:
    """Headless Chromium; skips where Debian's packages of it are missing, but never in CI."""
    from browser import Browser

    driver = shutil.which("chromedriver")
    if driver is None:
        assert not os.environ.get("CI"), "CI installs chromium-driver"
        pytest.skip("apt-get install chromium chromium-driver")
    with Browser(driver) as opened:
        yield opened
