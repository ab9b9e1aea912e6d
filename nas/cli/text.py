"""How figures and tables look, the same in every command."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from nas.records import Record
from nas.search.progress import Progress


def console() -> Console:
    """Standard output; where it is no terminal, without colours and wide enough for any table."""
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


def table(columns: Iterable[tuple[str, str]], rows: Iterable[Sequence[str]]) -> Table:
    """A table; a column is its heading and `left` or `right`."""
    made = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading, side in columns:
        made.add_column(
            heading,
            justify="right" if side == "right" else "left",
            no_wrap=side == "right",
            overflow="fold",
        )
    for row in rows:
        made.add_row(*row)
    return made


def print_front(out: Console, folder: Path, front: Sequence[Record]) -> None:
    """The front of the study in `folder`, the smallest first."""
    out.print(
        f"Front of {folder}: accuracy on held-out training images, one run each",
        soft_wrap=True,
    )
    out.print()
    rows = table(
        [
            ("params", "right"),
            ("accuracy", "right"),
            ("MACs", "right"),
            ("RAM", "right"),
            ("trial", "right"),
            ("architecture", "left"),
        ],
        [
            (
                number(record.params),
                percent(record.accuracy),
                number(record.macs),
                kilobytes(record.peak_ram),
                str(record.number),
                record.architecture.summary(),
            )
            for record in front
        ],
    )
    out.print(rows)


def counts(progress: Progress) -> str:
    """`trained 143/200, over budget 37, duplicates 4, failed 0`."""
    by_state = {state.value: count for state, count in progress.counts.items()}
    parts = [
        f"trained {progress.trained}/{progress.trials}",
        f"over budget {by_state.get('over budget', 0)}",
        f"duplicates {by_state.get('duplicate', 0)}",
    ]
    if by_state.get("impossible"):
        parts.append(f"impossible {by_state['impossible']}")
    parts.append(f"failed {by_state.get('failed', 0)}")
    if by_state.get("interrupted"):
        parts.append(f"interrupted {by_state['interrupted']}")
    return ", ".join(parts)


def best(progress: Progress) -> str:
    if progress.best is None:
        return "nothing trained yet"
    return f"best {percent(progress.best.accuracy)} at {number(progress.best.params)} parameters"


def pace(progress: Progress) -> str:
    left = progress.seconds_left
    if left is None:
        return "first epoch under way"
    return f"{progress.epochs_per_second:.2f} epochs/s, {duration(left)} left"
