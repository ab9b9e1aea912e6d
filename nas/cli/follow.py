"""Following a search: a display that stays in place on a terminal, plain lines elsewhere."""

import sys
import time

from rich import live
from rich.console import Console, Group

from nas.cli.text import best, counts, number, pace, percent, table
from nas.records import REJECTED
from nas.search.config import StudyConfig
from nas.search.events import Ended, Ready, WorkerEvent
from nas.search.folder import Folder
from nas.search.progress import Progress

QUIET_SECONDS = 30  # that plain lines may leave without a word


class Lines:
    """A line for every candidate that ends, and now and then one in between."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def begin(self, folder: Folder, config: StudyConfig, progress: Progress) -> None:
        self._say(_headline(folder, config, progress))

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
        """Nothing is open."""

    def _say(self, text: str) -> None:
        self._last = time.monotonic()
        print(text, flush=True)


class Live:
    """The counts, the pace, and what each worker trains, drawn over and over in one place."""

    def __init__(self, out: Console) -> None:
        self._out = out
        self._live = live.Live(console=out, refresh_per_second=4, transient=True)

    def begin(self, folder: Folder, config: StudyConfig, progress: Progress) -> None:
        self._out.print(_headline(folder, config, progress))
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


def _headline(folder: Folder, config: StudyConfig, progress: Progress) -> str:
    verb = "Resuming" if progress.counts else "New study"
    return (
        f"{verb} {folder.path}: {config.dataset_name}, at most {config.budget:,} parameters, "
        f"space {config.space}, {config.trials} trials of {config.recipe.epochs} epochs"
    )


def _display(progress: Progress) -> Group:
    columns = [
        ("worker", "left"),
        ("trial", "right"),
        ("params", "right"),
        ("epoch", "right"),
        ("accuracy", "right"),
        ("architecture", "left"),
    ]
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
    return Group(counts(progress), f"{best(progress)}, {pace(progress)}", table(columns, rows))
