"""Train networks of a study again, on all training images with fresh seeds, and test them.

This alone reads test images: once a seed, after the last epoch. Only `--sustained` reads them after
each of the last epochs, because it asks about those.
"""

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from nas.errors import NasError, StudyError
from nas.execution import processes
from nas.execution.processes import advice, core_of, default_workers, device_of, settle
from nas.execution.signals import Interrupts
from nas.records import Record, Run, trials
from nas.records.tables import write_tables
from nas.results.opened import Opened, read
from nas.results.plan import Job, Plan
from nas.study.config import StudyConfig
from nas.training import Epoch
from nas.training.arithmetic import Arithmetic
from nas.training.device_name import check_device
from nas.training.machine import Machine
from nas.training.seeds import seed_of

if TYPE_CHECKING:
    from nas.execution.processes import Context

TRIES = 3  # that a run has before its worker's deaths end it all


@dataclass(frozen=True, slots=True)
class Failed:
    """A run that cannot be made, and why."""

    message: str  # one line if the user can mend it, else the traceback
    user_error: bool


Told = Epoch | Run | Failed


class Observer(Protocol):
    """What wants to hear of a verification."""

    def begin(self, plan: Plan, missing: Sequence[Job], epochs: int) -> None:
        """Of the runs that `plan` asks for, of `epochs` each, these are not there from before."""

    def epoch(self, job: Job, epoch: Epoch) -> None:
        """A run has finished an epoch."""

    def run(self, record: Record, run: Run) -> None:
        """A run has ended."""

    def tick(self) -> None:
        """Time has passed."""

    def warn(self, text: str) -> None:
        """Something went wrong, or could go better; it goes on."""


def verify(
    opened: Opened,
    plan: Plan,
    observer: Observer,
    workers: int | None = None,
    device: str = "auto",
    data_dir: Path | None = None,
) -> list[Run]:
    """Make the runs that `plan` asks for and that are not there; returns all of the study's.

    Each run is written into the study when it ends; on an interrupt those under way are lost, and
    the same call makes them. Raises `NasError` for what the user can mend.
    """
    check_device(device)
    context = processes.context(opened.config.dataset)
    opened = replace(opened, config=opened.config.located(data_dir, test=True))
    here = processes.this_machine(context, device, opened.config.recipe)
    team = _Team(context, opened, plan, observer, here, data_dir)
    with opened.folder.held(opened.folder.verify_lock, "verified"), team.interrupts.raised():
        try:
            team.work(workers or default_workers(here.device, here.gpus))
        finally:
            team.end()
            now = read(opened.folder, opened.study)  # a search may have gone on meanwhile
            write_tables(now.records, now.runs, opened.folder.path)
    return team.runs


@dataclass(slots=True)
class _Member:
    """A process that makes one run, and the line to it."""

    job: Job
    slot: int
    process: BaseProcess
    connection: Connection
    ended: bool = False


class _Team:
    """One process a run, as many at a time as there are workers."""

    def __init__(
        self,
        context: "Context",
        opened: Opened,
        plan: Plan,
        observer: Observer,
        machine: Machine,
        data_dir: Path | None,
    ) -> None:
        self.runs = list(opened.runs)
        self.interrupts = Interrupts()
        self._context = context
        self._opened = opened
        self._plan = plan
        self._observer = observer
        self._machine = machine
        self._data_dir = data_dir
        self._members: list[_Member] = []
        self._size = 0  # processes at a time
        self._deaths: dict[tuple[int, int], int] = {}

    def work(self, workers: int) -> None:
        """Make all runs of the plan with `workers` processes at a time."""
        plan = self._plan
        missing = plan.missing(self.runs)
        self._observer.begin(plan, missing, self._opened.config.recipe.epochs)
        if hint := advice(min(workers, len(missing)), self._machine.gpus):
            self._observer.warn(hint)
        self._size = workers
        free = list(range(workers))
        while True:
            while free and (job := plan.next(self.runs, {m.job.key for m in self._members})):
                self._start(job, free.pop())
            if plan.target is not None and plan.answer(self.runs):
                return
            if not self._members:
                return
            for line in wait([member.connection for member in self._members], timeout=0.5):
                (member,) = (m for m in self._members if m.connection is line)
                if self._listen(member):
                    free.append(member.slot)
            self._observer.tick()

    def end(self) -> None:
        """End the runs under way; they are lost."""
        for member in self._members:
            member.process.kill()
        for member in self._members:
            member.process.join()
        self._members.clear()

    def _start(self, job: Job, slot: int) -> None:
        device = device_of(slot, self._machine.device, self._machine.gpus)
        core = core_of(slot, self._size)
        config, sustained = self._opened.config, self._plan.sustained
        arguments = (job, config, sustained, device, core, self._machine.arithmetic, self._data_dir)
        name = f"verify-{slot}"
        process, connection = processes.start(self._context, _main, arguments, name)
        self._members.append(_Member(job, slot, process, connection))

    def _listen(self, member: _Member) -> bool:
        """Take in one message; True if the process has ended."""
        try:
            told: Told = member.connection.recv()
        except (EOFError, OSError):
            self._members.remove(member)
            member.process.join()
            if not member.ended:
                self._died(member)
            return True
        match told:
            case Epoch():
                self._observer.epoch(member.job, told)
            case Run():
                member.ended = True
                with self.interrupts.held():
                    trials.add_run(self._opened.study, told)
                kept = [run for run in self.runs if (run.trial, run.index) != member.job.key]
                self.runs = [*kept, told]
                self._observer.run(member.job.record, told)
            case Failed(message, user_error):
                if user_error:
                    raise NasError(message)
                raise RuntimeError(f"a run of trial {member.job.record.number} broke:\n{message}")
        return False

    def _died(self, member: _Member) -> None:
        key = member.job.key
        self._deaths[key] = self._deaths.get(key, 0) + 1
        how = processes.cause_of_death(member.process)
        text = f"the process that trained trial {key[0]} died ({how})"
        if self._deaths[key] >= TRIES:
            raise StudyError(
                f"{text} {TRIES} times: is memory short? The same command goes on from here"
            )
        self._observer.warn(f"{text}; that run is tried again")


def _main(
    job: Job,
    config: StudyConfig,
    sustained: int,
    device: str,
    core: int | None,
    arithmetic: Arithmetic,
    data_dir: Path | None,
    connection: Connection,
) -> None:
    """The body of a process: make one run and tell of it."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the supervisor's to handle
    try:
        tell = connection.send
        tell(_run(job, config, sustained, device, core, arithmetic, data_dir, tell))
    except NasError as error:
        connection.send(Failed(str(error), user_error=True))
    except Exception:
        connection.send(Failed(traceback.format_exc(), user_error=False))


def _run(
    job: Job,
    config: StudyConfig,
    sustained: int,
    device_name: str,
    core: int | None,
    arithmetic: Arithmetic,
    data_dir: Path | None,
    on_epoch: Callable[[Epoch], None],
) -> Run:
    import torch

    from nas.data.images import Split, load_split, load_test, load_training
    from nas.training.device import describe
    from nas.training.fit import TrainingError, fit

    device = torch.device(device_name)
    if device.type == "cpu":
        settle(core)
    # Normalised as in the search, so that an exported train.py makes the same run.
    normalizer = load_split(config.data, data_dir).normalizer
    whole, test = load_training(config.data, data_dir), load_test(config.data, data_dir)
    data = Split(whole, test, normalizer).to(device)
    record, epochs = job.record, config.recipe.epochs
    seed = seed_of(config.seed, "verify", record.hash, job.index)
    measured = range(max(1, epochs - sustained + 1), epochs + 1)
    try:
        network, recipe = record.architecture, config.recipe
        trained = fit(network, data, recipe, seed, on_epoch, measured, arithmetic)
    except TrainingError as error:
        raise StudyError(
            f"trial {record.number} cannot be verified: {error}, with seed {seed}: "
            "verify the others with --trial"
        ) from None
    last = trained.curve[-1]
    assert last.loss is not None, "the last epoch is measured"
    return Run(
        trial=record.number,
        index=job.index,
        seed=seed,
        epochs=epochs,
        accuracies=tuple(e.accuracy for e in trained.curve if e.accuracy is not None),
        loss=last.loss,
        seconds=sum(epoch.seconds for epoch in trained.curve),
        device=trained.where(f"{describe(device)}, {arithmetic}"),
    )
