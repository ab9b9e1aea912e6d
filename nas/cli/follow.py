"""Show a running search or verification: live on a terminal, else as plain lines."""

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich import live
from rich.console import Console, Group
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar

from nas.cli.text import best, counts, duration, number, pace, percent, table
from nas.execution.events import Ended, Ready, WorkerEvent
from nas.execution.progress import Pace, Progress
from nas.records import REJECTED, Record, Run
from nas.study.config import StudyConfig
from nas.study.folder import Folder

if TYPE_CHECKING:
    from nas.results.plan import Job, Plan
    from nas.training import Epoch

QUIET_SECONDS = 30  # maximum seconds between plain lines


class Lines:
    """Prints a line per finished candidate, and at least one every `QUIET_SECONDS`."""

    def __init__(self, joins: bool = False) -> None:
        self._joins = joins
        self._last = time.monotonic()

    def begin(self, folder: Folder, config: StudyConfig, progress: Progress) -> None:
        self._say(_headline(folder, config, progress, self._joins))

    def event(self, worker: str, event: WorkerEvent, progress: Progress) -> None:
        if isinstance(event, Ready):
            self._say(f"{worker} on {event.device}, {event.precision}")
        if isinstance(event, Ended) and event.record.state not in REJECTED:
            record = event.record
            figures = f"{percent(record.accuracy)}, {number(record.params)} parameters"
            self._say(f"trial {record.number} {record.state}: {record.reason or figures}")
            self._say(f"  {counts(progress)}, {best(progress)}, {pace(progress)}")

    def tick(self, progress: Progress) -> None:
        if time.monotonic() - self._last > QUIET_SECONDS:
            self._say(f"  {counts(progress)}, {best(progress)}, {pace(progress)}")

    def warn(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    def close(self) -> None:
        """Nothing to close."""

    def _say(self, text: str) -> None:
        self._last = time.monotonic()
        print(text, flush=True)


class Live:
    """Live display of counts, pace and the candidate of each worker."""

    def __init__(self, out: Console, joins: bool = False) -> None:
        self._joins = joins
        self._out = out
        self._live = live.Live(console=out, refresh_per_second=4, transient=True)

    def begin(self, folder: Folder, config: StudyConfig, progress: Progress) -> None:
        self._out.print(_headline(folder, config, progress, self._joins))
        self._live.start()
        self.tick(progress)

    def event(self, worker: str, event: WorkerEvent, progress: Progress) -> None:  # noqa: ARG002
        self.tick(progress)

    def tick(self, progress: Progress) -> None:
        self._live.update(_display(progress))

    def warn(self, text: str) -> None:
        self._out.print(text, markup=False)

    def close(self) -> None:
        self._live.stop()


def _headline(folder: Folder, config: StudyConfig, progress: Progress, joins: bool) -> str:
    verb = "Joining" if joins else "Resuming" if progress.counts else "New study"
    return (
        f"{verb} {folder.path}: {config.dataset_name}, at most {config.budget:,} parameters, "
        f"space {config.space}, {config.trials} trials of {config.recipe.epochs} epochs"
    )


def _display(progress: Progress) -> Group:
    headings = ("worker", "trial", "params", "epoch", "accuracy", "architecture")
    rows = [
        (
            worker,
            str(candidate.number),
            number(candidate.params),
            f"{candidate.epochs}/{progress.epochs_each}",
            percent(candidate.accuracy),
            candidate.summary,
        )
        for worker, candidate in sorted(progress.training.items())
    ]
    drawn = table(headings, rows, words=("worker", "architecture"))
    return Group(counts(progress), f"{best(progress)}, {pace(progress)}", drawn)


class Runs:
    """Prints a line per finished run of a verification.

    On a terminal a progress bar counts epochs; elsewhere a line appears every `QUIET_SECONDS`.
    """

    def __init__(self, all_of_them: bool) -> None:
        """`all_of_them` is whether every run will be made; if not, estimates are upper bounds."""
        self._bound = "" if all_of_them else "at most "
        self._out = Console(highlight=False)
        self._bar = Bar(
            TextColumn("{task.fields[counted]}"),
            BarColumn(),
            TextColumn("{task.fields[left]}"),
            console=self._out,
            transient=True,
            disable=not self._out.is_terminal,
        )
        self._epochs_of: dict[tuple[int, int], int] = {}  # finished epochs of each running run

    def begin(self, plan: "Plan", missing: Sequence["Job"], epochs: int) -> None:
        self._jobs, self._epochs = len(plan.candidates) * plan.seeds, epochs
        self._missing = {job.key: _cost(job.record) for job in missing}
        self._pace = Pace()
        plural = "candidate" if len(plan.candidates) == 1 else "candidates"
        runs = "run" if self._jobs == 1 else "runs"
        self._say(
            f"{len(plan.candidates)} {plural}, {self._bound}{self._jobs} {runs} of {epochs} "
            f"epochs, {self._done} already done"
        )
        self._task = self._bar.add_task("", total=self._jobs * epochs, counted="", left="")
        self._draw()
        self._bar.start()

    def epoch(self, job: "Job", epoch: "Epoch") -> None:
        self._epochs_of[job.key] = epoch.number
        self._pace.count(_cost(job.record))
        self._draw()

    def run(self, record: Record, run: Run) -> None:
        self._epochs_of.pop((run.trial, run.index), None)
        self._missing.pop((run.trial, run.index), None)
        self._draw()
        self._say(
            f"run {self._done}/{self._jobs}: trial {record.number}, {number(record.params)} "
            f"parameters, seed {run.index + 1}: {percent(run.accuracy)} on the test set, "
            f"{run.seconds:.0f} s"
        )

    def tick(self) -> None:
        if self._out.is_terminal:
            self._draw()
        elif time.monotonic() - self._last > QUIET_SECONDS:
            self._say(f"  {self._counted}, {self._left}")

    def warn(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    def close(self) -> None:
        self._bar.stop()

    @property
    def _done(self) -> int:
        return self._jobs - len(self._missing)

    @property
    def _epochs_done(self) -> int:
        """Finished epochs; a repeated run counts only its last attempt."""
        return self._done * self._epochs + sum(self._epochs_of.values())

    @property
    def _counted(self) -> str:
        total = self._jobs * self._epochs
        return f"{self._done}/{self._jobs} runs, {self._epochs_done}/{total} epochs"

    @property
    def _left(self) -> str:
        """Estimated time left, weighted by cost: the costly networks run first."""
        work = sum(
            cost * (self._epochs - self._epochs_of.get(key, 0))
            for key, cost in self._missing.items()
        )
        seconds = self._pace.seconds(work)
        if seconds is None:
            return "first epoch under way"
        return f"{self._bound}{duration(seconds)} left"

    def _draw(self) -> None:
        self._bar.update(
            self._task, completed=self._epochs_done, counted=self._counted, left=self._left
        )

    def _say(self, text: str) -> None:
        self._last = time.monotonic()
        self._out.print(text, soft_wrap=True)


def _cost(record: Record) -> float:
    """Seconds per epoch of a trained candidate in the search."""
    return max(record.seconds, 1e-3) / max(record.epochs, 1)
