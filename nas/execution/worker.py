"""A worker: a process that draws candidates from the shared study and trains them."""

import random
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import TrialState

from nas.architecture import Architecture
from nas.errors import ArchitectureError, NasError
from nas.execution.events import Done, Ended, EpochDone, Ready, Started, Warned, WorkerEvent
from nas.execution.liveness import HEARTBEAT, Heartbeat, repeating
from nas.execution.scheduler import Scheduler
from nas.execution.signals import Stop, StopSignal
from nas.pruning import early_stopping, gate
from nas.pruning.judge import Judge
from nas.records import State, trials
from nas.records.ledger import Ledger
from nas.sampling.samplers import sampler
from nas.spaces import Space
from nas.storage import studies
from nas.study.config import StudyConfig
from nas.study.folder import Folder
from nas.training import Epoch
from nas.training.machine import Machine
from nas.training.seeds import seed_of

if TYPE_CHECKING:
    from nas.data.images import Split

# Seconds between polls, increasing, while other workers train the last candidates.
POLL, LONGEST_POLL = 0.2, 2.0


@dataclass(frozen=True, slots=True)
class Work:
    """What the workers of one machine share."""

    folder: Folder
    config: StudyConfig
    owner: str  # the process that supervises the workers
    machine: Machine
    data_dir: Path | None
    host: str | None = None  # distinguishes workers of different machines and processes

    def name(self, index: int) -> str:
        """The name of worker number `index` in the study."""
        return f"{self.host}/worker-{index}" if self.host else f"worker-{index}"


def main(work: Work, index: int, device_name: str, send: Callable[[WorkerEvent], None]) -> None:
    """Body of a worker process: draw and train until the study is complete."""
    stop = StopSignal()
    send(Done(_run(work, index, device_name, stop, send)))


def _run(
    work: Work,
    index: int,
    device_name: str,
    stop: StopSignal,
    send: Callable[[WorkerEvent], None],
) -> str:
    import torch

    from nas.data.images import load_split
    from nas.training.device import describe

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    config, folder = work.config, work.folder
    device = torch.device(device_name)
    data = load_split(config.data, work.data_dir).to(device)
    loaded = studies.load(folder.location)
    study = studies.with_retries(loaded, lambda text: send(Warned(text)))
    # Random streams differ between workers, machines and resumed searches.
    drawn = len(study.get_trials(deepcopy=False))
    host = (work.host,) if work.host else ()
    seed = seed_of(config.seed, index, drawn, *host)
    space = folder.load_space(config.space)
    study.sampler = sampler(config.sampler, seed, space, config.task)
    label = describe(device)
    send(Ready(label, str(work.machine.arithmetic)))
    heartbeat = Heartbeat(study)
    # A study in a folder needs no heartbeats: others check the owner's file lock.
    beating = repeating(heartbeat.give, "heartbeat", HEARTBEAT) if folder.url else nullcontext()
    with beating:
        worker = Worker(work, work.name(index), label, space, study, data, heartbeat, stop, send)
        return worker.run()


class Worker:
    """Draws candidates one at a time, checks them at the gate and trains them."""

    def __init__(
        self,
        work: Work,
        name: str,
        device: str,
        space: Space,
        study: optuna.Study,
        data: "Split",
        heartbeat: Heartbeat,
        stop: StopSignal,
        send: Callable[[WorkerEvent], None],
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
        self._heartbeat = heartbeat
        self._stop = stop
        self._send = send
        self._ledger = Ledger(study)
        self._judge = Judge(
            self._ledger,
            early_stopping.rule(work.config.early_stop),
            early_stopping.rungs(work.config.recipe.epochs),
            work.config.min_accuracy,
        )
        signature = {"worker": name, "device": self._where, trials.OWNER: work.owner}
        self._scheduler = Scheduler(
            study, work.folder, work.config, self._ledger, heartbeat, signature
        )

    def run(self) -> str:
        """Work until the scheduler ends or a stop is requested; returns the reason."""
        pause = POLL
        while not self._stop.requested:
            claimed = self._scheduler.take()
            if isinstance(claimed, str):
                return claimed
            if claimed is None:
                sleep(
                    random.uniform(0.5, 1.5) * pause
                )  # avoids polling in step with other machines
                pause = min(1.5 * pause, LONGEST_POLL)
                continue
            pause = POLL
            try:
                self._draw(claimed)
            except UpdateFinishedTrialError:
                self._send(
                    Warned(
                        f"trial {claimed.number} was requeued for another worker, "
                        f"because {self._name} sent no heartbeat"
                    )
                )
            finally:
                self._heartbeat.end()
            self._send(Ended(trials.record(trials.frozen(self._study, claimed))))
        return "stopped"

    def _draw(self, trial: optuna.Trial) -> None:
        """Sample, check and train the candidate of `trial`, and store the result."""
        try:
            with studies.one_transaction(self._study):
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
            with studies.one_transaction(self._study):
                trials.set_architecture(trial, architecture)
                trials.set_constraints(trial, violations)
            state = State.OVER_BUDGET if excess else State.TOO_SMALL
            self._end(trial, state, excess or shortfall)
            return
        with studies.one_transaction(self._study):
            trials.set_architecture(trial, architecture)
            trials.set_constraints(trial, violations)
        # Two workers may draw the same architecture at the same time. Both store it before they
        # check for duplicates. The later trial ends as a duplicate; the earlier one waits for that.
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
        with studies.one_transaction(self._study):
            trials.set_attributes(trial, {"state": state.value, "reason": reason})
        self._finish(trial, TrialState.PRUNED)

    def _finish(
        self, trial: optuna.Trial, state: TrialState, values: Sequence[float] | None = None
    ) -> None:
        """Finish `trial`, unless another worker has it or a retried call already finished it."""
        self._study.tell(trial, values, state, skip_if_finished=True)

    def _train(self, trial: optuna.Trial, architecture: Architecture) -> None:
        from nas.study.candidate_files import keep
        from nas.training.fit import TrainingError, fit

        seed = seed_of(self._config.seed, architecture.hash)
        trial.set_user_attr(trials.SEED, seed)
        self._send(Started(trial.number, architecture.params, architecture.summary()))
        curve: list[Epoch] = []

        reason = ""

        def on_epoch(epoch: Epoch) -> bool:
            nonlocal reason
            with self._stop.shielded():
                curve.append(epoch)
                self._send(EpochDone(trial.number, epoch))
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
            with studies.one_transaction(self._study):
                trials.set_curve(trial, curve)
                trials.set_attributes(trial, {"device": trained.where(self._where)})
            self._end(trial, State.STOPPED, reason)
            return
        minimum = self._config.min_accuracy
        if minimum is not None:
            trial.set_constraint("min_accuracy", minimum - trained.accuracy)
        with studies.one_transaction(self._study):
            keep(
                self._study,
                trial,
                self._folder,
                self._config,
                architecture,
                trained,
                self._data.normalizer,
            )
            trials.set_curve(trial, trained.curve)
            trials.set_attributes(trial, {"device": trained.where(self._where)})
        if trained.fallback:
            self._send(
                Warned(f"trial {trial.number} trained without a CUDA graph: {trained.fallback}")
            )
        self._finish(trial, TrialState.COMPLETE, [trained.accuracy, architecture.params])
