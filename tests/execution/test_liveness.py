"""Who is given up and who is not; and a storage that is away."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.exceptions import StorageInternalError
from optuna.trial import TrialState
from sqlalchemy.exc import OperationalError

from nas.architecture import Architecture, Conv, Flatten, GlobalAvgPool
from nas.errors import StudyError
from nas.execution.events import Ended, EpochDone, Started, WorkerEvent
from nas.execution.liveness import BEATS, GRACE, HEARTBEAT, Heartbeat, Reaper, is_gone, owner_lock
from nas.execution.monitor import Monitor
from nas.execution.progress import Progress
from nas.records import State, trials
from nas.records.ledger import Ledger
from nas.storage import retry, studies
from nas.study.config import StudyConfig
from nas.study.folder import Folder
from nas.training import Epoch

NET = Architecture((1, 28, 28), (Conv(10, 3), GlobalAvgPool(), Flatten()))


class Clock:
    """Time that passes when it is told to; the time of day jumps about."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.now = 1_000.0
        patch.setattr("nas.execution.liveness.time", self)
        patch.setattr("nas.storage.retry.time", self)

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A study that machines share, in a journal."""
    (tmp_path / "one").mkdir()
    return Folder(tmp_path / "one", f"journal://{tmp_path / 'journal.log'}")


def in_training(study: optuna.Study, owner: str | None = "another-machine") -> optuna.Trial:
    trial = study.ask()
    if owner:
        trials.set_attributes(trial, {"worker": "w", trials.OWNER: owner})
        trials.set_architecture(trial, NET)
    return trial


def states(folder: Folder) -> list[str]:
    return [trial.state.name for trial in studies.load(folder.location).trials]


def look(reaper: Reaper, clock: Clock, seconds: float, beat: Callable[[], object]) -> None:
    """Look as a supervisor does, for so long."""
    for _ in range(int(seconds / HEARTBEAT)):
        clock.sleep(HEARTBEAT)
        beat()
        reaper.look()


def test_the_silent_are_given_back_and_those_who_beat_are_not(folder: Folder, clock: Clock) -> None:
    study = studies.create(folder.location)
    alive, silent = in_training(study), in_training(study)
    beats = Heartbeat(study), Heartbeat(study)
    for trial, beat in zip((alive, silent), beats, strict=True):
        beat.begin(trial)
    reaper = Reaper(studies.load(folder.location), folder)
    reaper.look()
    look(reaper, clock, GRACE - HEARTBEAT, beats[0].give)
    assert states(folder) == ["RUNNING", "RUNNING"]
    look(reaper, clock, 3 * HEARTBEAT, beats[0].give)
    assert states(folder) == ["RUNNING", "FAIL", "WAITING"]
    assert (
        trials.records(studies.load(folder.location))[1].reason
        == f"its worker sent no heartbeat for {GRACE} s"
    )
    beats[1].give()  # it was alive after all, and may go on to the next
    look(reaper, clock, 2 * GRACE, beats[0].give)
    assert states(folder) == ["RUNNING", "FAIL", "WAITING"]


def test_a_trial_that_nobody_has_signed_is_given_back(folder: Folder, clock: Clock) -> None:
    """Its worker was killed between asking and signing. Nothing was drawn: nothing is queued."""
    study = studies.create(folder.location)
    in_training(study, owner=None)
    reaper = Reaper(studies.load(folder.location), folder)
    look(reaper, clock, 2 * GRACE, lambda: None)
    assert states(folder) == ["FAIL"]


def test_after_a_pause_everybody_has_time_to_be_heard(folder: Folder, clock: Clock) -> None:
    study = studies.create(folder.location)
    beat = Heartbeat(study)
    beat.begin(in_training(study))
    reaper = Reaper(studies.load(folder.location), folder)
    look(reaper, clock, GRACE - HEARTBEAT, lambda: None)
    clock.sleep(10 * GRACE)  # the storage was away, or this machine asleep
    look(reaper, clock, HEARTBEAT, lambda: None)
    assert states(folder) == ["RUNNING"]


def test_a_clock_that_jumps_decides_nothing(
    folder: Folder, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = studies.create(folder.location)
    beat = Heartbeat(study)
    beat.begin(in_training(study))
    reaper = Reaper(studies.load(folder.location), folder)
    days = iter(range(0, 10_000_000, 86_400))
    monkeypatch.setattr(time, "time", lambda: 1e9 + next(days))
    look(reaper, clock, 4 * GRACE, beat.give)
    assert states(folder) == ["RUNNING"]


def test_an_owner_that_this_folder_knows_is_gone_at_once(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    study = studies.create(folder.location)
    with owner_lock(folder) as owner:
        in_training(study, owner)
        reaper = Reaper(studies.load(folder.location), folder)
        reaper.look()
        assert states(folder) == ["RUNNING"]
        assert not is_gone(folder, owner)
    reaper.look()
    assert states(folder) == ["FAIL", "WAITING"]


def test_a_candidate_that_is_lost_three_times_is_given_up(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    study = studies.create(folder.location)
    for _ in range(trials.MAX_RETRIES + 1):
        in_training(study, "gone")
        Reaper(study, folder).look()
    assert states(folder) == ["FAIL"] * 3
    last = trials.records(study)[-1]
    assert last.state == "failed"
    assert last.reason.endswith("given up after 3 attempts")
    ledger = Ledger(study)
    ledger.update()
    assert ledger.twin(99, NET.hash) == 2, "and it is not drawn again"


def test_of_two_that_draw_the_same_the_later_gives_way_and_the_earlier_waits(
    tmp_path: Path,
) -> None:
    study = studies.create(Folder(tmp_path).location)
    one, two = in_training(study), in_training(study)
    ledger = Ledger(study)
    ledger.update()
    assert ledger.twin(two.number, NET.hash) == one.number
    assert ledger.twin(one.number, NET.hash) is None
    assert ledger.undecided(one.number, NET.hash)
    trials.set_attributes(two, {"state": State.DUPLICATE.value})
    study.tell(two, state=TrialState.PRUNED)
    ledger.update()
    assert not ledger.undecided(one.number, NET.hash)
    three = in_training(study)
    three.set_user_attr(trials.SEED, 1)  # it looked before the other had entered its own
    ledger.update()
    assert ledger.twin(one.number, NET.hash) == three.number
    assert not ledger.undecided(one.number, NET.hash)


@pytest.mark.parametrize("waits", [True, False])
def test_signs_of_life_go_on_after_the_storage_was_away(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, waits: bool
) -> None:
    """A thread that died of it would have its worker taken for dead afterwards."""
    study = studies.create(folder.location)
    backend = study._storage
    trial = in_training(study)
    beat = Heartbeat(studies.with_retries(study, lambda _: None) if waits else study)
    beat.begin(trial)
    with monkeypatch.context() as patch:

        def fail(*_: object) -> None:
            raise ConnectionError("reset")

        patch.setattr(backend, "set_trial_system_attr", fail)
        beat.give()
    beat.give()
    (found,) = studies.load(folder.location).trials
    assert found.system_attrs[BEATS] == 3, "the one in between was lost, and no other"


def away(_: str = "") -> StorageInternalError:
    error = StorageInternalError("An exception is raised during the commit.")
    error.__cause__ = OperationalError("select", {}, Exception("server closed the connection"))
    return error


def test_a_storage_that_comes_back_is_waited_for(tmp_path: Path) -> None:
    said: list[str] = []
    study = studies.with_retries(studies.create(Folder(tmp_path).location), said.append)
    failures = iter([away(), OSError(28, "No space left on device"), ConnectionError("reset")])

    def call(value: int) -> int:
        for error in failures:
            raise error
        return value + 1

    assert retry.retrying(study)(call, 4) == 5
    assert said == ["the study's storage is unreachable, retrying: server closed the connection"]


def test_a_storage_that_stays_away_ends_the_search_in_one_line(
    tmp_path: Path, clock: Clock
) -> None:
    study = studies.with_retries(studies.create(Folder(tmp_path).location), lambda _: None)
    began = clock.now

    def call() -> None:
        raise away()

    with pytest.raises(StudyError, match=r"unreachable for 10 minutes .* when it is back") as error:
        retry.retrying(study)(call)
    assert clock.now - began >= retry.PATIENCE
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("error", [KeyError("x"), ValueError("x"), OSError(13, "not allowed")])
def test_what_is_not_a_storage_that_is_away_is_not_waited_for(
    tmp_path: Path, clock: Clock, error: Exception
) -> None:
    study = studies.with_retries(studies.create(Folder(tmp_path).location), lambda _: None)

    def call() -> Any:
        raise error

    with pytest.raises(type(error)):
        retry.retrying(study)(call)
    assert clock.now == 1_000.0


class Heard:
    """Hears what is told of others."""

    def __init__(self) -> None:
        self.events: list[tuple[str, WorkerEvent]] = []

    def begin(self, *_: object) -> None: ...
    def tick(self, *_: object) -> None: ...
    def warn(self, text: str) -> None: ...

    def event(self, worker: str, event: WorkerEvent, _: Progress) -> None:
        self.events.append((worker, event))


def test_a_candidate_lost_elsewhere_is_not_mistaken_for_our_workers(
    folder: Folder,
) -> None:
    """Two searches of one study call their workers alike."""
    study = studies.create(folder.location)
    heard = Heard()
    watch = Monitor(study, folder, StudyConfig(dataset="digits", trials=3), "us", heard)
    progress = watch.progress
    theirs = in_training(study, "another-machine")
    watch.look(now=True)
    progress.update("w", Started(7, NET.params, NET.summary()))
    trials.give_back(study, trials.frozen(study, theirs), "its worker was silent")
    watch.look(now=True)
    assert progress.counts[State.INTERRUPTED] == 1
    ((worker, event),) = heard.events
    assert worker == "w"
    assert isinstance(event, Ended)
    assert event.record.number == theirs.number
    progress.update("w", EpochDone(7, Epoch(1, 0.5, 80.0, 0.4, 91.0, 0.1)))
    assert progress.training["w"].accuracy == 91.0
