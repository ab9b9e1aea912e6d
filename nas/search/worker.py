"""A worker: one process that draws candidates from the shared study and trains them."""

import json
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING

import optuna
from filelock import FileLock
from optuna.trial import FrozenTrial, TrialState

from nas.architecture import Architecture
from nas.errors import ArchitectureError, NasError
from nas.records import State
from nas.search import gate, storage, trials
from nas.search.config import StudyConfig
from nas.search.events import Broken, Done, Ended, EpochDone, Ready, Started, Warned, WorkerEvent
from nas.search.folder import Folder
from nas.search.judge import Judge
from nas.search.ledger import EXHAUSTED_AFTER, Ledger
from nas.search.processes import settle
from nas.search.samplers import sampler
from nas.search.seeds import seed_of
from nas.search.space import Space
from nas.search.stop import Stop, StopSignal, end_with_parent
from nas.training import Epoch

if TYPE_CHECKING:
    from nas.data.images import Split
    from nas.training.arithmetic import Arithmetic
    from nas.training.fit import Fit

ATTACHED = ("model.py", "weights.safetensors", "curve.csv")  # to a trained trial, as artifacts
POLL = 0.2  # seconds between looks at a study whose last candidates others are training


def main(
    folder: Folder,
    name: str,
    index: int,
    device: str,
    core: int | None,
    arithmetic: "Arithmetic",
    data_dir: Path | None,
    connection: Connection,
) -> None:
    """The body of a worker process: draw and train until the study has its trials.

    It tells `connection` what happens (`nas.search.events`) and ends with the process that
    started it.
    """
    stop = StopSignal()
    end_with_parent()

    def tell(event: WorkerEvent) -> None:
        try:
            connection.send(event)
        except BrokenPipeError:  # the supervisor is gone; `end_with_parent` is about to act
            stop.requested = True

    try:
        tell(Done(_work(folder, name, index, device, core, arithmetic, data_dir, stop, tell)))
    except NasError as error:
        tell(Broken(str(error), user_error=True))
    except Exception:
        tell(Broken(traceback.format_exc(), user_error=False))


def _work(
    folder: Folder,
    name: str,
    index: int,
    device_name: str,
    core: int | None,
    arithmetic: "Arithmetic",
    data_dir: Path | None,
    stop: StopSignal,
    tell: Callable[[WorkerEvent], None],
) -> str:
    import torch

    from nas.data.images import load_split
    from nas.training.device import describe

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    config = folder.config()
    device = torch.device(device_name)
    if device.type == "cpu":
        settle(core)
    data = load_split(config.data, data_dir).to(device)
    study = storage.load(folder.database, folder.name)
    # Another stream for every worker, and another again when a study is resumed.
    space, seed = folder.load_space(), seed_of(config.seed, index, len(study.get_trials()))
    study.sampler = sampler(config.sampler, seed, space, config.task)
    label = describe(device)
    tell(Ready(label, str(arithmetic)))
    worker = Worker(folder, config, space, study, data, name, label, arithmetic, stop, tell)
    return worker.run()


class Worker:
    """Draws candidates, one after the other, sends them through the gate and trains them."""

    def __init__(
        self,
        folder: Folder,
        config: StudyConfig,
        space: Space,
        study: optuna.Study,
        data: "Split",
        name: str,
        device: str,
        arithmetic: "Arithmetic",
        stop: StopSignal,
        tell: Callable[[WorkerEvent], None],
    ) -> None:
        self._folder = folder
        self._config = config
        self._space = space
        self._study = study
        self._data = data
        self._name = name
        self._where = f"{device}, {arithmetic}"
        self._arithmetic = arithmetic
        self._stop = stop
        self._tell = tell
        self._ledger = Ledger(study)
        self._judge = Judge(self._ledger, config)
        self._lock = FileLock(folder.claim_lock)

    def run(self) -> str:
        """Work until there is nothing left to do; returns why."""
        while not self._stop.requested:
            claimed = self._claim()
            if isinstance(claimed, str):
                return claimed
            if claimed is None:
                sleep(POLL)
                continue
            self._draw(claimed)
            self._tell(Ended(trials.record(self._frozen(claimed))))
        return "stopped"

    def _frozen(self, trial: optuna.Trial) -> FrozenTrial:
        """What the study has of `trial` now."""
        return self._study.get_trials(deepcopy=False)[trial.number]

    def _claim(self) -> optuna.Trial | str | None:
        """The next trial; or why there is none; or None while others train the last ones.

        The lock is held from counting to asking, so the total is exact with any number of workers.
        """
        with self._lock:
            self._ledger.update()
            drawn, trained = self._ledger.drawn, self._ledger.trained
            if trained >= self._config.trials:
                return "complete"
            if self._ledger.exhausted:
                return (
                    f"the last {EXHAUSTED_AFTER} draws were duplicates: the space seems exhausted"
                )
            if drawn >= self._config.draws:
                return f"--max-draws {self._config.draws} reached"
            if trained + self._ledger.running >= self._config.trials:
                return None
            trial = self._study.ask()
            with storage.in_one_go(self._study):
                trials.set_attributes(trial, {"worker": self._name, "device": self._where})
            return trial

    def _draw(self, trial: optuna.Trial) -> None:
        """Sample, judge and train the candidate of `trial`, and tell the study what came of it."""
        try:
            with storage.in_one_go(self._study):
                given = trial.user_attrs.get(trials.GIVEN)
                architecture = (
                    Architecture.from_json(given)
                    if given
                    else self._space.sample(trial, self._config.task)
                )
        except ArchitectureError as error:
            trial.set_constraint("possible", 1.0)
            self._end(trial, State.IMPOSSIBLE, str(error))
            return
        except NasError as error:
            trials.set_attributes(trial, {"state": State.FAILED.value, "reason": str(error)})
            self._study.tell(trial, state=TrialState.FAIL)
            raise
        limits = self._config.task.limits
        excess, shortfall = gate.excess(architecture, limits), gate.shortfall(architecture, limits)
        violations = gate.violations(architecture, limits)
        if excess or shortfall:
            with storage.in_one_go(self._study):
                trials.set_architecture(trial, architecture)
                trials.set_constraints(trial, violations)
            state = State.OVER_BUDGET if excess else State.TOO_SMALL
            self._end(trial, state, excess or shortfall)
            return
        # Looked up and entered under the lock: of two workers with the same draw one is earlier.
        with self._lock:
            self._ledger.update()
            twin = self._ledger.twin(trial.number, architecture.hash)
            with storage.in_one_go(self._study):
                trials.set_architecture(trial, architecture)
                trials.set_constraints(trial, violations)
        if twin is not None:
            trial.set_constraint("new", 1.0)
            self._end(trial, State.DUPLICATE, f"the same network as trial {twin}")
            return
        self._train(trial, architecture)

    def _end(self, trial: optuna.Trial, state: State, reason: str) -> None:
        """End a trial without values: rejected at the gate, or stopped early."""
        with storage.in_one_go(self._study):
            trials.set_attributes(trial, {"state": state.value, "reason": reason})
        self._study.tell(trial, state=TrialState.PRUNED)

    def _train(self, trial: optuna.Trial, architecture: Architecture) -> None:
        from nas.training.fit import TrainingError, fit

        seed = seed_of(self._config.seed, architecture.hash)
        trial.set_user_attr("seed", seed)
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
                self._study.tell(trial, state=TrialState.FAIL)
            else:
                trials.give_back(self._study, self._frozen(trial), "the search was stopped")
            return
        if reason:
            with storage.in_one_go(self._study):
                trials.set_curve(trial, curve)
                trials.set_attributes(trial, {"device": trained.where(self._where)})
            self._end(trial, State.STOPPED, reason)
            return
        least = self._config.min_accuracy
        if least is not None:
            trial.set_constraint("min_accuracy", least - trained.accuracy)
        with storage.in_one_go(self._study):
            self._keep(trial, architecture, trained)
            trials.set_curve(trial, trained.curve)
            trials.set_attributes(trial, {"device": trained.where(self._where)})
        if trained.fallback:
            self._tell(
                Warned(f"trial {trial.number} trained without a CUDA graph: {trained.fallback}")
            )
        self._study.tell(trial, [trained.accuracy, architecture.params])

    def _keep(self, trial: optuna.Trial, architecture: Architecture, trained: "Fit") -> None:
        """Write the trial's files, and attach them, before the study counts it as trained."""
        import pandas as pd
        from safetensors.torch import save

        from nas.export.source import model
        from nas.files import write_whole

        title = f"Trial {trial.number} of study {self._folder.name}"
        normalizer = self._data.normalizer
        contents: dict[str, str | bytes] = {
            "architecture.json": json.dumps(architecture.to_json(), indent=1),
            "model.py": model(architecture, title, normalizer.mean, normalizer.std),
            "weights.safetensors": save(trained.weights),
            "curve.csv": pd.DataFrame(trained.curve).to_csv(index=False),
        }
        folder = self._folder.trial(trial.number)
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            write_whole(folder / name, content)
        # Optuna takes artifacts only while the trial is open.
        for name in ATTACHED:
            optuna.artifacts.upload_artifact(
                artifact_store=self._folder.artifact_store(),
                file_path=str(folder / name),
                study_or_trial=trial,
            )
