"""Studies on every kind of storage, on real servers."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest
import tiny
from servers import QUOTED, SECRET, Postgres, free_port

from nas.architecture import Architecture, Conv, Flatten, GlobalAvgPool
from nas.cli.app import run as nas
from nas.errors import ConfigError, StudyError
from nas.records import State, trials
from nas.storage import backends, reader, studies
from nas.study.folder import Folder

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
pytestmark = pytest.mark.usefixtures("workplace")

NET = Architecture((1, 28, 28), (Conv(10, 3), GlobalAvgPool(), Flatten()))


def extended(*kinds: str) -> list[Any]:
    """Parameters for the kinds of storage that only `make test-all` tests."""
    return [pytest.param(kind, marks=pytest.mark.extended) for kind in kinds]


@pytest.fixture(params=["sqlite", "postgres", "journal", *extended("mariadb", "redis", "grpc")])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Folder]:
    """A study's folder, with every kind of storage."""
    place = tmp_path / "studies" / "one"
    place.mkdir(parents=True)
    kind = request.param
    if kind == "sqlite":
        yield Folder(place)
    elif kind == "journal":
        yield Folder(place, f"journal://{tmp_path / 'journal.log'}")
    elif kind == "grpc":
        with Proxy(request.getfixturevalue("postgres")) as url:
            yield Folder(place, url)
    else:
        yield Folder(place, request.getfixturevalue(kind).url)


class Proxy:
    """`nas proxy` in front of a database, as long as it is open; gives its URL."""

    def __init__(self, database: Postgres) -> None:
        self._port = free_port()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "nas", "proxy", "--port", str(self._port)],
            env={**os.environ, backends.VARIABLE: database.url},
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> str:
        for _ in range(300):
            assert self._process.poll() is None
            try:
                socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
            except OSError:
                time.sleep(0.1)
            else:
                break
        return f"grpc://127.0.0.1:{self._port}"

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        said, _ = self._process.communicate(timeout=20)
        assert f"Proxy: grpc://127.0.0.1:{self._port}" in said
        assert "no login" not in said, "it listens on loopback"
        assert self._process.returncode == 0


def test_a_study_is_created_once_and_found_by_name(folder: Folder) -> None:
    assert studies.find(folder.location) is None
    with pytest.raises(StudyError, match=r"no study called one|holds no study"):
        studies.load(folder.location)
    made = studies.create(folder.location)
    assert made.metric_names == ["accuracy", "parameters"]
    found = studies.find(folder.location)
    assert found is not None
    assert found._study_id == made._study_id
    if folder.url is not None:
        with pytest.raises(optuna.exceptions.DuplicatedStudyError):
            studies.create(folder.location)


def test_what_is_written_in_one_go_is_there_and_can_be_written_again(folder: Folder) -> None:
    study = studies.with_retries(studies.create(folder.location), pytest.fail)
    trial = study.ask()
    for _ in range(2):
        with studies.one_transaction(study):
            trial.suggest_int("width", 1, 8)
            trials.set_architecture(trial, NET)
            trials.set_attributes(trial, {"worker": "worker-0", "device": "cpu"})
    trials.set_constraints(trial, {"params": -0.5})
    study.tell(trial, [90.0, NET.params])
    for name in ("loaded", "read"):
        again = studies.load(folder.location)
        (found,) = again.trials if name == "loaded" else reader.trials(again)
        assert found.params == trial.params
        assert found.user_attrs["hash"] == NET.hash
        assert found.system_attrs[trials.ARCHITECTURE]
        assert found.state is optuna.trial.TrialState.COMPLETE
    with pytest.raises(optuna.exceptions.UpdateFinishedTrialError), studies.one_transaction(study):
        trials.set_attributes(trial, {"worker": "worker-1"})


def test_a_trial_that_is_given_back_by_two_is_queued_once(folder: Folder) -> None:
    study = studies.create(folder.location)
    trial = study.ask()
    trials.set_architecture(trial, NET)
    (frozen,) = study.get_trials(deepcopy=False)
    for one in (study, studies.load(folder.location)):
        trials.give_back(one, frozen, "it died")
    states = [t.state.name for t in studies.load(folder.location).trials]
    assert states == ["FAIL", "WAITING"]


def test_a_trial_too_many_is_no_draw_and_its_task_goes_back_to_the_queue(folder: Folder) -> None:
    study = studies.create(folder.location)
    study.enqueue_trial({"width": 3}, user_attrs={trials.START_FROM: "a file"})
    trial = study.ask()
    trials.set_attributes(trial, {"worker": "w", trials.OWNER: "me"})
    (frozen,) = study.get_trials(deepcopy=False)
    trials.withdraw(study, frozen)
    assert trials.records(studies.load(folder.location)) == []
    again = study.ask()
    assert again.suggest_int("width", 1, 8) == 3
    assert again.user_attrs == {trials.START_FROM: "a file"}


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (f"postgresql://nas:{QUOTED}@db.example:5432/nas", "postgresql://nas@db.example:5432/nas"),
        ("postgresql://db/nas?user=me&password=hush&sslmode=require",
         "postgresql://db/nas?user=me&sslmode=require"),
        (f"redis://:{QUOTED}@host:6379/0", "redis://@host:6379/0"),
        ("journal:///data/a/b.log", "journal:///data/a/b.log"),
        ("grpc://host:13000", "grpc://host:13000"),
    ],
)  # fmt: skip
def test_a_url_is_shown_without_its_password(
    url: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert backends.redacted(url) == shown
    assert backends.redacted(shown) == shown
    assert repr(Folder(Path("x"), url)).count("hush") == 0
    assert SECRET not in repr(Folder(Path("x"), url))
    monkeypatch.setenv(backends.VARIABLE, url)
    assert backends.with_password(shown) == url
    assert backends.with_password("postgresql://other/nas") == "postgresql://other/nas"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mongodb://x/y", "unknown --storage 'mongodb://x/y': known are postgresql://USER"),
        ("nonsense", "unknown --storage 'nonsense'"),
        ("sqlite:///x.db", "leave out --storage to use SQLite"),
        ("journal://x.log", "an absolute path"),
        ("journal:///nowhere/at/all.log", "there is no folder /nowhere/at: create it first"),
        ("grpc://host", "it must be grpc://HOST:PORT"),
        ("postgresql://u:hush@h:port/db", "--storage postgresql://u@h:port/db: "),
    ],
)
def test_a_url_that_cannot_work_is_refused_in_one_line(url: str, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        backends.open_storage(url)
    assert message in str(error.value)
    assert "hush" not in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_driver_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "find_spec", lambda _: None)
    for url, package in [("postgresql://h/d", "psycopg[binary]"), ("mysql://h/d", "pymysql")]:
        with pytest.raises(ConfigError, match=re.escape(f"pip install '{package}'")):
            backends.open_storage(url)


@pytest.mark.parametrize("kind", ["postgres", *extended("mariadb", "redis")])
def test_a_wrong_password_or_a_server_that_is_away_is_one_line(
    kind: str, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue(kind).url
    for wrong in (url.replace(QUOTED, "hush"), url.replace("127.0.0.1", "127.0.0.2")):
        with pytest.raises(StudyError) as error:
            studies.find(Folder(Path("one"), wrong))
        text = str(error.value)
        assert "hush" not in text
        assert SECRET not in text
        assert QUOTED not in text
        assert "cannot be used as the study's storage" in text
        assert "\n" not in text


@pytest.mark.extended
def test_the_journal_in_redis_has_no_pickles(request: pytest.FixtureRequest) -> None:
    """Optuna's own would load a snapshot, which whoever may write there could have made."""
    server = request.getfixturevalue("redis")
    folder = Folder(Path("one"), server.url)
    study = studies.create(folder.location)
    for _ in range(120):  # Optuna makes a snapshot every hundred entries
        study.tell(study.ask(), [1.0, 2.0])
    from redis import Redis

    client = Redis.from_url(server.url)
    keys = client.keys("*")
    assert len(keys) > 240
    assert not [key for key in keys if b"snapshot" in key]
    client.set(":snapshot", b"cos\nsystem\n(S'touch hacked'\ntR.")
    assert len(studies.load(folder.location).trials) == 120
    assert not Path("hacked").exists()
    # It is Optuna's own form: its own reader finds the same, of a journal without a pickle.
    client.delete(":snapshot")
    from optuna.storages.journal import JournalRedisBackend, JournalStorage

    with pytest.warns(optuna.exceptions.ExperimentalWarning):
        theirs = JournalStorage(JournalRedisBackend(server.url))
    assert len(optuna.load_study(study_name="one", storage=theirs).trials) == 120


def test_the_folder_is_needed_by_no_server(folder: Folder) -> None:
    studies.create(folder.location)
    if folder.url:
        shutil.rmtree(folder.path)
        assert studies.load(folder.location).study_name == "one"


# After the first draw nobody goes on before a second worker is there.
TOGETHER = """
def sample(trial, task):
    if isinstance(trial, optuna.Trial) and trial.study.study_name == "one" and trial.number:
        end = time.monotonic() + 120
        while len({t.user_attrs.get("worker") for t in trial.study.get_trials()} - {None}) < 2:
            if time.monotonic() > end:
                raise TimeoutError("nobody has joined")
            time.sleep(0.1)
    return draw(trial, task)
"""


def test_a_search_and_a_worker_train_exactly_what_is_wanted(folder: Folder) -> None:
    space = tiny.SPACE.format(widest=50, pause=0).replace("def sample", "def draw")
    Path("tiny.py").write_text(space + TOGETHER)
    place = {backends.VARIABLE: folder.url} if folder.url else {}
    size = ["--budget", "2000", "--trials", "6", "--epochs", "2", "--early-stop", "none"]
    words = ["search", "--study", "one", "--dataset", "digits", "--space", "./tiny.py", *size]
    searching = subprocess.Popen(
        [sys.executable, "-m", "nas", *words, "--workers", "1", "--device", "cpu"],
        **{"env": {**os.environ, **place}, "text": True},
        **{"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT},
    )
    until_it_trains(folder, searching)
    join = ["worker", "one", "--space", "./tiny.py", "--workers", "1", "--device", "cpu"]
    joined = subprocess.run(
        [sys.executable, "-m", "nas", *join],
        env={**os.environ, **place},
        text=True,
        capture_output=True,
        check=False,
        timeout=240,
    )
    said, _ = searching.communicate(timeout=240)
    assert (searching.returncode, joined.returncode) == (0, 0), said + joined.stderr
    assert SECRET not in said + joined.stdout + joined.stderr
    study = studies.load(folder.location)
    done = [r for r in trials.records(study) if r.state is State.TRAINED]
    assert len(done) == 6
    assert len({record.hash for record in done}) == 6
    assert len({record.worker for record in done}) == 2
    assert not [t for t in study.trials if t.state is optuna.trial.TrialState.RUNNING]
    assert "trained 6/6" in said


def until_it_trains(folder: Folder, process: subprocess.Popen[str]) -> None:
    study: optuna.Study | None = None
    for _ in range(600):
        assert process.poll() is None, process.communicate()[0]
        study = study or studies.find(folder.location)
        if study and any(trials.SEED in trial.user_attrs for trial in study.trials):
            return
        time.sleep(0.2)
    pytest.fail("nothing was trained in two minutes")


@pytest.mark.extended
@pytest.mark.parametrize(("kind", "workers", "wanted"), [("sqlite", 8, 24), ("postgres", 16, 48)])
def test_many_light_workers(
    kind: str, workers: int, wanted: int, request: pytest.FixtureRequest
) -> None:
    """The benchmark's workers, whose trainings sleep: it checks the total and what is left."""
    url = "sqlite" if kind == "sqlite" else request.getfixturevalue(kind).url
    command = [sys.executable, str(BENCHMARKS / "load.py"), "--storage", url, "--epoch", "0.02"]
    command += ["--workers", str(workers), "--trials", str(wanted), "--sampler", "random"]
    done = subprocess.run(command, text=True, capture_output=True, check=False, timeout=500)
    assert done.returncode == 0, done.stderr
    assert f"'workers': {workers}, 'sampler': 'random', 'trials': {wanted}" in done.stdout


@pytest.mark.extended
def test_weights_go_to_a_bucket_and_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    from moto.server import ThreadedMotoServer

    def run(*words: str) -> tuple[int, str]:
        """In a process of its own: an older fork server would not have the keys to the bucket."""
        command = [sys.executable, "-m", "nas", *words]
        done = subprocess.run(command, text=True, capture_output=True, check=False)
        return done.returncode, done.stderr

    server = ThreadedMotoServer(port=free_port(), verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        size = ["--dataset", "digits", "--budget", "900", "--trials", "1", "--epochs", "1"]
        search = ["search", "--study", "one", *size, "--device", "cpu", "--workers", "1"]
        status, said = run(*search, "--artifacts", "s3://not-there")
        assert status == 2
        assert said.startswith("nas: --artifacts s3://not-there/")
        assert said.count("\n") == 1
        shutil.rmtree("studies")
        import boto3

        boto3.client("s3").create_bucket(Bucket="weights")
        assert run(*search, "--artifacts", "s3://weights") == (0, "")
        assert not Path("studies/one/trials").exists()
        assert nas(["export", "one", "--best"]) == 0
        (weights,) = Path("studies/one/trials").glob("*/weights.safetensors")
        assert (
            weights.read_bytes()
            == next(Path("studies/one/export").glob("*/weights.safetensors")).read_bytes()
        )
        # Another study shares the bucket; a resumed one finds its own part of it.
        search[2] = "two"
        assert run(*search, "--artifacts", "s3://weights") == (0, "")
        search[search.index("--trials") + 1] = "2"
        assert run(*search, "--artifacts", "s3://weights") == (0, "")
        listed = boto3.client("s3").list_objects_v2(Bucket="weights")["Contents"]
        assert sorted(Counter(entry["Key"].split("/")[0] for entry in listed).values()) == [3, 5]
        status, said = run(*search, "--artifacts", "gs://weights")
        assert status == 2
        assert "it is a folder, or s3://BUCKET" in said
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["proxy", "--storage", "redis://:hush@h"], "redis://@h: a proxy serves a database"),
        (["proxy", "--storage", "postgresql://u:hush@h/d", "--port", "70000"], "port 70000"),
        (["proxy"], "Missing option '--storage'"),
        (["worker"], "Missing argument 'STUDY'"),
        (["worker", "nothing"], "studies/nothing/study.db holds no study called nothing"),
        (["worker", "nothing", "--storage", "journal:///no/such.log"], "there is no folder /no"),
        (["search", "--dataset", "digits", "--storage", "x"], "unknown --storage 'x'"),
        (["search", "--dataset", "digits", "--artifacts", "gs://b"], "it is a folder, or s3://"),
    ],
)
def test_what_cannot_work_with_machines_is_one_line(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert nas(words) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
    assert "hush" not in said
    assert not Path("studies").exists()


def test_a_study_stays_where_it_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    size = ["--dataset", "digits", "--budget", "900", "--trials", "1", "--epochs", "1"]
    search = ["search", "--study", "one", *size, "--device", "cpu", "--workers", "1"]
    first, second = (f"journal://{tmp_path / name}" for name in ("a.log", "b.log"))
    assert nas([*search, "--storage", first]) == 0
    capsys.readouterr()
    assert nas(search) == 0, "its folder says where it is"
    assert "trained 1/1" in capsys.readouterr().out
    assert nas([*search, "--storage", second]) == 2
    said = capsys.readouterr().err
    assert f"study one is kept in {first}, and {second} does not hold it" in said
    assert nas(["search", "--study", "two", *size, "--device", "cpu", "--workers", "1"]) == 0
    assert nas(["search", "--study", "two", *size, "--storage", second]) == 2
    assert "study two is kept in studies/two/study.db and not in" in capsys.readouterr().err


def test_a_study_whose_making_was_broken_off_is_made(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The search was killed between the study's creation and its settings."""
    monkeypatch.setattr("nas.study.attributes.WAIT", 0.5)
    studies.create(folder.location)
    if folder.url:
        monkeypatch.setenv(backends.VARIABLE, folder.url)
    assert nas(["worker", "one"]) == 2
    assert "study one has no settings yet" in capsys.readouterr().err
    size = ["--dataset", "digits", "--budget", "900", "--trials", "1", "--epochs", "1"]
    assert nas(["search", "--study", "one", *size, "--device", "cpu", "--workers", "1"]) == 0
    assert "trained 1/1" in capsys.readouterr().out


def test_a_study_of_another_program_is_refused(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("nas.study.attributes.WAIT", 0.5)
    studies.create(folder.location).ask()
    if folder.url:
        monkeypatch.setenv(backends.VARIABLE, folder.url)
    assert nas(["search", "--study", "one", "--dataset", "digits", "--trials", "1"]) == 2
    assert "study one has trials and no settings" in capsys.readouterr().err


def test_the_variable_is_the_same_everywhere() -> None:
    from nas.cli.arguments import VARIABLE

    assert VARIABLE == backends.VARIABLE
