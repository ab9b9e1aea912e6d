"""Train networks of a study again on all training images, with fresh seeds, and test them.

Nothing else reads test images. They are read once a seed, after the last epoch, or after each of
the last N epochs with `--sustained N`.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from nas.errors import StudyError
from nas.execution import processes
from nas.execution.pool import Gone, Member, Pool, pool_of
from nas.execution.processes import advice
from nas.execution.signals import Interrupts
from nas.records import Record, Run, trials
from nas.records.tables import write_tables
from nas.results.plan import Job, Plan
from nas.results.view import StudyView, read
from nas.study.config import StudyConfig
from nas.training import Epoch
from nas.training.arithmetic import Arithmetic
from nas.training.device_name import check_device
from nas.training.seeds import seed_of

TRIES = 3  # for one run whose process dies


class Observer(Protocol):
    """Callback interface."""

    def begin(self, plan: Plan, missing: Sequence[Job], epochs: int) -> None:
        """`missing` are the runs of `plan`, of `epochs` each, that do not exist yet."""

    def epoch(self, job: Job, epoch: Epoch) -> None:
        """A run has finished an epoch."""

    def run(self, record: Record, run: Run) -> None:
        """A run has ended."""

    def tick(self) -> None:
        """Time has passed."""

    def warn(self, text: str) -> None:
        """Something went wrong, or could be faster; the verification goes on."""


def verify(
    view: StudyView,
    plan: Plan,
    observer: Observer,
    workers: int | None = None,
    device: str = "auto",
    data_dir: Path | None = None,
) -> list[Run]:
    """Make the missing runs of `plan`; returns all runs of the study.

    Each run is written into the study when it ends. An interrupt loses those in progress, and the
    same call makes them again. Raises `NasError` for a user's mistake.
    """
    check_device(device)
    context = processes.context(view.config.dataset)
    view = replace(view, config=view.config.located(data_dir, test=True))
    here = processes.this_machine(context, device, view.config.recipe)
    missing = plan.missing(view.runs)
    pool = pool_of(context, here, workers, len(missing))
    team = _Team(pool, view, plan, observer, here.arithmetic, data_dir)
    with view.folder.held(view.folder.verify_lock, "verified"), team.interrupts.raised():
        try:
            observer.begin(plan, missing, view.config.recipe.epochs)
            if hint := advice(pool.size, here.gpus):
                observer.warn(hint)
            team.work()
        finally:
            pool.stop()
            now = read(view.folder, view.study)  # a search may have gone on meanwhile
            write_tables(now.records, now.runs, view.folder.path)
    return team.runs


@dataclass(frozen=True, slots=True)
class _Task:
    """All that a process needs to know to make its run."""

    job: Job
    config: StudyConfig
    sustained: int
    arithmetic: Arithmetic
    data_dir: Path | None


class _Team:
    """One process a run, as many at a time as the pool has room for."""

    def __init__(
        self,
        pool: Pool,
        view: StudyView,
        plan: Plan,
        observer: Observer,
        arithmetic: Arithmetic,
        data_dir: Path | None,
    ) -> None:
        self.runs = list(view.runs)
        self.interrupts = Interrupts()
        self._pool = pool
        self._view = view
        self._plan = plan
        self._observer = observer
        self._arithmetic = arithmetic
        self._data_dir = data_dir
        self._jobs: dict[Member, Job] = {}
        self._ended: set[tuple[int, int]] = set()  # keys of the jobs that this process has made
        self._deaths = Counter[tuple[int, int]]()

    def work(self) -> None:
        """Make all runs of the plan."""
        with self._pool.guarded():
            while True:
                for slot in self._pool.free:
                    busy = {job.key for job in self._jobs.values()}
                    if job := self._plan.next(self.runs, busy):
                        self._start(job, slot)
                if not self._pool or (self._plan.target and self._plan.answer(self.runs)):
                    return
                for member, message in self._pool.messages():
                    self._handle(member, message)
                self._observer.tick()

    def _start(self, job: Job, slot: int) -> None:
        task = _Task(
            job=job,
            config=self._view.config,
            sustained=self._plan.sustained,
            arithmetic=self._arithmetic,
            data_dir=self._data_dir,
        )
        self._jobs[self._pool.start(slot, f"verify-{slot}", _main, task)] = job

    def _handle(self, member: Member, message: Epoch | Run | Gone) -> None:
        match message:
            case Epoch():
                self._observer.epoch(self._jobs[member], message)
            case Run():
                job = self._jobs[member]
                with self.interrupts.held():
                    trials.add_run(self._view.study, message)
                kept = [run for run in self.runs if (run.trial, run.index) != job.key]
                self.runs = [*kept, message]
                self._ended.add(job.key)
                self._observer.run(job.record, message)
            case Gone(how):
                job = self._jobs.pop(member)
                if job.key not in self._ended:
                    self._died(job, how)

    def _died(self, job: Job, how: str) -> None:
        self._deaths[job.key] += 1
        text = f"the process training trial {job.record.number} died ({how})"
        if self._deaths[job.key] >= TRIES:
            raise StudyError(f"{text} {TRIES} times: is memory short? The same command resumes")
        self._observer.warn(f"{text}; the run is tried again")


def _main(task: _Task, device: str, tell: Callable[[Epoch | Run], None]) -> None:
    """The body of a process: make one run; send its epochs and the run."""
    tell(_run(task, device, on_epoch=tell))


def _run(task: _Task, device_name: str, on_epoch: Callable[[Epoch], None]) -> Run:
    import torch

    from nas.data.images import Split, load_split, load_test, load_training
    from nas.training.device import describe
    from nas.training.fit import TrainingError, fit

    device = torch.device(device_name)
    config, record, data_dir = task.config, task.job.record, task.data_dir
    epochs = config.recipe.epochs
    # Normalised as in the search, so that an exported train.py makes the same run.
    normalizer = load_split(config.data, data_dir).normalizer
    whole, test = load_training(config.data, data_dir), load_test(config.data, data_dir)
    data = Split(whole, test, normalizer).to(device)
    seed = seed_of(config.seed, "verify", record.hash, task.job.index)
    measured = range(max(1, epochs - task.sustained + 1), epochs + 1)
    try:
        trained = fit(
            record.architecture,
            data,
            config.recipe,
            seed,
            on_epoch,
            measured,
            task.arithmetic,
        )
    except TrainingError as error:
        raise StudyError(
            f"trial {record.number} cannot be verified: {error}, with seed {seed}: "
            "verify the others with --trial"
        ) from None
    last = trained.curve[-1]
    assert last.loss is not None, "the last epoch is measured"
    return Run(
        trial=record.number,
        index=task.job.index,
        seed=seed,
        epochs=epochs,
        accuracies=tuple(e.accuracy for e in trained.curve if e.accuracy is not None),
        loss=last.loss,
        seconds=sum(epoch.seconds for epoch in trained.curve),
        device=trained.where(f"{describe(device)}, {task.arithmetic}"),
    )
