"""Formats of figures and tables, the same in every command."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console, JustifyMethod
from rich.table import Table

from nas.execution.progress import Progress
from nas.records import Record, State, Verification


def console() -> Console:
    """Standard output; if it is not a terminal, without colours and wide enough for any table."""
    made = Console(highlight=False)
    return made if made.is_terminal else Console(highlight=False, width=200)


def percent(accuracy: float | None) -> str:
    return "-" if accuracy is None else f"{accuracy:.2f} %"


def number(value: float | None) -> str:
    return "-" if value is None else f"{value:,}"


def kilobytes(value: int | None) -> str:
    return "-" if value is None else f"{value / 1024:.1f} KiB"


def duration(seconds: float) -> str:
    """`4 s`, `12 min`, `3 h 20 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def table(
    headings: Iterable[str], rows: Iterable[Sequence[str]], words: Collection[str] = ()
) -> Table:
    """A table of figures, right-aligned except in the columns whose headings are in `words`."""
    made = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading in headings:
        is_text = heading in words
        side: JustifyMethod = "left" if is_text else "right"
        made.add_column(heading, justify=side, no_wrap=not is_text, overflow="fold")
    for row in rows:
        made.add_row(*row)
    return made


def print_front(
    out: Console,
    folder: Path,
    front: Sequence[Record],
    verified: Mapping[int, Verification],
) -> None:
    """The front of the study in `folder`, the smallest first, with test accuracies if any."""
    out.print(
        f"Front of {folder}: accuracy on held-out training images, one run each",
        soft_wrap=True,
    )
    headings = ["params", "accuracy", "MACs", "RAM", "trial", "architecture"]
    rows = [
        [
            number(record.params),
            percent(record.accuracy),
            number(record.macs),
            kilobytes(record.peak_ram),
            str(record.number),
            record.architecture.summary(),
        ]
        for record in front
    ]
    found = [verified.get(record.number) for record in front]
    if any(found):
        out.print("test: on test images, mean ± standard deviation (number of seeds)")
        headings.insert(2, "test")
        for row, one in zip(rows, found, strict=True):
            row.insert(2, f"{one.spread} ({one.n})" if one else "-")
    out.print()
    out.print(table(headings, rows, words=("architecture",)))


def counts(progress: Progress) -> str:
    """`trained 143/200 (98 stopped early), over budget 37, duplicates 4, failed 0`."""
    found = progress.counts
    stopped = f" ({found[State.STOPPED]} stopped early)" if found[State.STOPPED] else ""
    parts = [
        f"trained {progress.trained}/{progress.trials}{stopped}",
        f"over budget {found[State.OVER_BUDGET]}",
        f"duplicates {found[State.DUPLICATE]}",
    ]
    if found[State.TOO_SMALL]:
        parts.append(f"too small {found[State.TOO_SMALL]}")
    if found[State.IMPOSSIBLE]:
        parts.append(f"impossible {found[State.IMPOSSIBLE]}")
    parts.append(f"failed {found[State.FAILED]}")
    if found[State.INTERRUPTED]:
        parts.append(f"interrupted {found[State.INTERRUPTED]}")
    return ", ".join(parts)


def best(progress: Progress) -> str:
    if progress.best is None:
        return "nothing trained yet"
    return f"best {percent(progress.best.accuracy)} at {number(progress.best.params)} parameters"


def pace(progress: Progress) -> str:
    left = progress.seconds_left
    if left is None:
        return "first epoch under way"
    # Until a candidate has been stopped early, all are expected to train to the end.
    most = "" if progress.counts[State.STOPPED] else "at most "
    return f"{progress.pace.per_second:.2f} epochs/s, {most}{duration(left)} left"
