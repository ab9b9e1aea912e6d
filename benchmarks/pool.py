"""Many trainings side by side, each process with a core of its own, and their rows in a CSV."""

from collections.abc import Callable, Mapping, Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from nas.execution.processes import core_of, settle

Row = Mapping[str, object]
Job = TypeVar("Job", bound=tuple[Any, ...])


def train(
    work: Callable[[Job], Sequence[Row]],
    jobs: Sequence[Job],
    columns: tuple[str, ...],
    output: Path,
    workers: int,
    prepare: Callable[..., None] | None = None,
    *arguments: object,
) -> pd.DataFrame:
    """Call `work` for each of the `jobs` in one of the processes, each of which has first called
    `prepare(*arguments)`, if that is given; append the rows to `output` as they come, and return
    all that it has.

    `columns` are those that name a job. One that is there already is not done again.
    """
    types = {name: type(value) for name, value in zip(columns, jobs[0], strict=True)}
    done: set[tuple[Any, ...]] = set()
    if output.exists():
        there = pd.read_csv(output, dtype=types)
        done = set(there[list(columns)].itertuples(index=False, name=None))
    left = [job for job in jobs if job not in done]
    print(f"{len(jobs) - len(left)} there, {len(left)} to train", flush=True)
    context = get_context("spawn")
    cores = context.Queue()
    for worker in range(workers):
        cores.put(core_of(worker, workers))
    with context.Pool(workers, _begin, (cores, prepare, arguments)) as pool:
        for count, rows in enumerate(pool.imap_unordered(work, left), start=1):
            pd.DataFrame(rows).to_csv(output, mode="a", header=not output.exists(), index=False)
            print(f"{count}/{len(left)}", *rows[-1].values(), flush=True)
    return pd.read_csv(output, dtype=types)


def _begin(cores: Any, prepare: Callable[..., None] | None, arguments: Sequence[object]) -> None:
    settle(cores.get())
    if prepare is not None:
        prepare(*arguments)
