"""A worker: one process that draws candidates from the shared study and trains them."""

import ctypes
import random
import traceback
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import TrialState

from nas.architecture import Architecture
from nas.errors import ArchitectureError, NasError
from nas.execution.claims import Claims
from nas.execution.events import (
    Broken,
    Done,
    Ended,
    EpochDone,
    Ready,
    Started,
    Warned,
    WorkerEvent,
)
from nas.execution.processes import settle
from nas.execution.reaper import Beat
from nas.execution.signals import Stop, StopSignal
from nas.execution.timer import repeating
from nas.pruning import early_stopping, gate
from nas.pruning.judge import Judge
from nas.records import State, trials
from nas.records.ledger import Ledger
from nas.sampling.samplers import sampler
from nas.spaces import Space
from nas.storage import studies
from nas.storage.heartbeat import HEARTBEAT
from nas.study.config import StudyConfig
from nas.study.folder import Folder
from nas.training import Epoch
from nas.training.machine import Machine
from nas.training.seeds import seed_of

if TYPE_CHECKING:
    from nas.data.images import Split

# Seconds between looks at a study whose last candidates others are training: more and more.
POLL, LONGEST_POLL = 0.2, 2.0


@dataclass(frozen=True, slots=True)
class Work:
    """What the workers of one machine have in common."""

    folder: Folder
    config: StudyConfig
    owner: str  # who supervises them
    machine: Machine
    data_dir: Path | None
    host: str | None = None  # tells them from those of other machines and processes

    def name(self, index: int) -> str:
        """What worker number `index` is called in the study."""
        return f"{self.host}/worker-{index}" if self.host else f"worker-{index}"


def main(
    work: Work,
    index: int,
    device: str,
    core: int | None,
    signs: ctypes.c_ulong,
    connection: Connection,
) -> None:
    """The body of a worker process: draw and train until the study has its trials.

    It sends what happens to `connection` (`nas.execution.events`), counts its signs of life in
    `signs`, which is shared memory, and ends with the process that started it.
    """
    stop = StopSignal()

    def tell(event: WorkerEvent) -> None:
        try:
            connection.send(event)
        except BrokenPipeError:  # the supervisor is gone; `end_with_parent` is about to act
            stop.requested = True

    def give_a_sign() -> None:
        signs.value += 1

    with repeating(give_a_sign, "alive", HEARTBEAT):
        try:
            tell(Done(_work(work, index, device, core, stop, tell)))
        except NasError as error:
            tell(Broken(str(error), user_error=True))
        except Exception:
            tell(Broken(traceback.format_exc(), user_error=False))


def _work(
    work: Work,
    index: int,
    device_name: str,
    core: int | None,
    stop: StopSignal,
    tell: Callable[[WorkerEvent], None],
) -> str:
    import torch

    from nas.data.images import load_split
    from nas.training.device import describe

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    config, folder = work.config, work.folder
    device = torch.device(device_name)
    if device.type == "cpu":
        settle(core)
    data = load_split(config.data, work.data_dir).to(device)
    study = studies.patient(studies.load(folder.location), lambda text: tell(Warned(text)))
    # Another stream for every worker of every machine, and another again when a study is resumed.
    before = len(study.get_trials(deepcopy=False))
    others = (work.host,) if work.host else ()
    seed = seed_of(config.seed, index, before, *others)
    space = folder.load_space()
    study.sampler = sampler(config.sampler, seed, space, config.task)
    label = describe(device)
    tell(Ready(label, str(work.machine.arithmetic)))
    beat = Beat(study)
    # Of a study in a folder the lock of its owner tells more, and at once.
    with repeating(beat.give, "heartbeat", HEARTBEAT) if folder.url else nullcontext():
        return Worker(work, work.name(index), label, space, study, data, beat, stop, tell).run()


class Worker:
    """Draws candidates, one after the other, sends them through the gate and trains them."""

    def __init__(
        self,
        work: Work,
        name: str,
        device: str,
        space: Space,
        study: optuna.Study,
        data: "Split",
        beat: Beat,
        stop: StopSignal,
        tell: Callable[[WorkerEvent], None],
    ) -> None:
        self._folder = work.folder
        self._config = work.config
        self._task = work.config.task
        self._arithmetic = work.machine.arithmetic
        self._where = f"{device}, {work.machine.arithmetic}"
        self._name = name
        self._space = space
        self._study = study
        self._data = data
        self._beat = beat
        self._stop = stop
        self._tell = tell
        self._ledger = Ledger(study)
        self._judge = Judge(
            self._ledger,
            early_stopping.rule(work.config.early_stop),
            early_stopping.rungs(work.config.recipe.epochs),
            work.config.min_accuracy,
        )
        mine = {"worker": name, "device": self._where, trials.OWNER: work.owner}
        self._claims = Claims(study, work.folder, work.config, self._ledger, beat, mine)

    def run(self) -> str:
        """Work until there is nothing left to do; returns why."""
        pause = POLL
        while not self._stop.requested:
            claimed = self._claims.take()
            if isinstance(claimed, str):
                return claimed
            if claimed is None:
                sleep(random.uniform(0.5, 1.5) * pause)  # not in step with other machines
                pause = min(1.5 * pause, LONGEST_POLL)
                continue
            pause = POLL
            try:
                self._draw(claimed)
            except UpdateFinishedTrialError:
                self._tell(
                    Warned(
                        f"trial {claimed.number} was given to another worker, "
                        f"because {self._name} had been silent"
                    )
                )
            finally:
                self._beat.end()
            self._tell(Ended(trials.record(trials.frozen(self._study, claimed))))
        return "stopped"

    def _draw(self, trial: optuna.Trial) -> None:
        """Sample, judge and train the candidate of `trial`, and tell the study what came of it."""
        try:
            with studies.in_one_go(self._study):
                given = trial.user_attrs.get(trials.GIVEN)
                architecture = (
                    Architecture.from_json(given)
                    if given
                    else self._space.sample(trial, self._task)
                )
        except ArchitectureError as error:
            trial.set_constraint("possible", 1.0)
            self._end(trial, State.IMPOSSIBLE, str(error))
            return
        except NasError as error:
            trials.set_attributes(trial, {"state": State.FAILED.value, "reason": str(error)})
            self._finish(trial, TrialState.FAIL)
            raise
        limits = self._task.limits
        excess, shortfall = gate.excess(architecture, limits), gate.shortfall(architecture, limits)
        violations = gate.violations(architecture, limits)
        if excess or shortfall:
            with studies.in_one_go(self._study):
                trials.set_architecture(trial, architecture)
                trials.set_constraints(trial, violations)
            state = State.OVER_BUDGET if excess else State.TOO_SMALL
            self._end(trial, state, excess or shortfall)
            return
        with studies.in_one_go(self._study):
            trials.set_architecture(trial, architecture)
            trials.set_constraints(trial, violations)
        # Of two workers with the same draw at the same moment both have entered it before they
        # look, and the later one gives way; the earlier waits until that is decided.
        self._ledger.update()
        while self._ledger.undecided(trial.number, architecture.hash) and not self._stop.requested:
            sleep(POLL)
            self._ledger.update()
        twin = self._ledger.twin(trial.number, architecture.hash)
        if twin is not None:
            trial.set_constraint("new", 1.0)
            self._end(trial, State.DUPLICATE, f"the same network as trial {twin}")
            return
        self._train(trial, architecture)

    def _end(self, trial: optuna.Trial, state: State, reason: str) -> None:
        """End a trial without values: rejected at the gate, or stopped early."""
        with studies.in_one_go(self._study):
            trials.set_attributes(trial, {"state": state.value, "reason": reason})
        self._finish(trial, TrialState.PRUNED)

    def _finish(
        self, trial: optuna.Trial, state: TrialState, values: Sequence[float] | None = None
    ) -> None:
        """Tell the study how `trial` ended. It may have been given to another, or have been told
        before the storage went away."""
        self._study.tell(trial, values, state, skip_if_finished=True)

    def _train(self, trial: optuna.Trial, architecture: Architecture) -> None:
        from nas.study.candidate_files import keep
        from nas.training.fit import TrainingError, fit

        seed = seed_of(self._config.seed, architecture.hash)
        trial.set_user_attr(trials.SEED, seed)
        self._tell(Started(trial.number, architecture.params, architecture.summary()))
        curve: list[Epoch] = []

        reason = ""

        def on_epoch(epoch: Epoch) -> bool:
            nonlocal reason
            with self._stop.shielded():
                curve.append(epoch)
                self._tell(EpochDone(trial.number, epoch))
                if epoch.number < self._config.recipe.epochs:
                    reason = self._judge.stops(trial, architecture.params, epoch)
            return not reason

        try:
            with self._stop.may_interrupt():
                trained = fit(
                    architecture,
                    self._data,
                    self._config.recipe,
                    seed,
                    on_epoch,
                    arithmetic=self._arithmetic,
                )
        except (TrainingError, Stop) as error:
            trials.set_curve(trial, curve)
            if isinstance(error, TrainingError):
                state = {"state": State.FAILED.value, "reason": str(error)}
                trials.set_attributes(trial, state)
                self._finish(trial, TrialState.FAIL)
            else:
                trials.give_back(
                    self._study, trials.frozen(self._study, trial), "the search was stopped"
                )
            return
        if reason:
            with studies.in_one_go(self._study):
                trials.set_curve(trial, curve)
                trials.set_attributes(trial, {"device": trained.where(self._where)})
            self._end(trial, State.STOPPED, reason)
            return
        least = self._config.min_accuracy
        if least is not None:
            trial.set_constraint("min_accuracy", least - trained.accuracy)
        with studies.in_one_go(self._study):
            keep(
                *(self._study, trial, self._folder, self._config),
                *(architecture, trained, self._data.normalizer),
            )
            trials.set_curve(trial, trained.curve)
            trials.set_attributes(trial, {"device": trained.where(self._where)})
        if trained.fallback:
            self._tell(
                Warned(f"trial {trial.number} trained without a CUDA graph: {trained.fallback}")
            )
        self._finish(trial, TrialState.COMPLETE, [trained.accuracy, architecture.params])
