"""Studies after an equal number of epochs: what each had found by then.

    python benchmarks/side_by_side.py STUDY [STUDY ...] [--epochs N | --first N] [--also STUDY]

Each study is cut where its candidates, in the order in which they ended, had trained for N epochs
in all; N is by default what the shortest has. Epochs of candidates that were interrupted count as
well. Prints the counts, the hypervolume in the box that begins at 90 and at 97 %, the best accuracy
at up to 1,000, 2,000, 4,000 and 8,000 parameters, and the fronts. All of that is held out, one run
each, and chosen by it; the last lines say the same of those on the front that `nas verify` has
trained again, by the means of their test accuracy: in this study, else in another of these or in
one named with `--also`, if that has the same recipe. `--first N` compares the first N draws
instead, in which the starting designs are.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pandas as pd

from nas.records import (
    COUNTED,
    Record,
    State,
    Verification,
    hypervolume,
    pareto_front,
)
from nas.results.opened import Opened, opened

SIZES = (1_000, 2_000, 4_000, 8_000)


def ended(records: Sequence[Record]) -> list[Record]:
    """Those that trained, in the order in which they ended."""
    latest = datetime.max.replace(tzinfo=UTC)
    return sorted((r for r in records if r.epochs), key=lambda r: (r.finished or latest, r.number))


def cut(records: Sequence[Record], epochs: int) -> list[Record]:
    """The first of `records`, as long as they have had no more than `epochs`."""
    kept: list[Record] = []
    for record in records:
        epochs -= record.epochs
        if epochs < 0:
            break
        kept.append(record)
    return kept


def tested(record: Record, found: Verification) -> Record:
    """`record` with the mean of its test accuracy in place of the one held out."""
    *before, last = record.curve
    return replace(record, curve=(*before, replace(last, accuracy=found.mean)))


def known(study: Opened, lenders: Sequence[Opened]) -> dict[int, Verification]:
    """What has been verified of the networks of `study`, by trial: there, or by a lender with the
    same recipe, the first that has it."""
    found = study.verified
    for lender in lenders:
        if lender.config.recipe != study.config.recipe:
            continue
        theirs, verified = {r.number: r.hash for r in lender.records}, lender.verified
        lent = {theirs[number]: verification for number, verification in verified.items()}
        for record in study.records:
            if record.state is State.TRAINED and record.hash in lent:
                found.setdefault(record.number, lent[record.hash])
    return found


def figures(records: Sequence[Record], budget: int) -> dict[str, object]:
    """The hypervolumes, and the best accuracy at each size."""
    found: dict[str, object] = {
        f"hypervolume {least:.0f}": round(hypervolume(records, budget, least), 3)
        for least in (90.0, 97.0)
    }
    front = pareto_front(records)
    for size in SIZES:
        fitting = [r.accuracy for r in front if r.accuracy and (r.params or 0) <= size]
        found[f"best at {size:,}"] = f"{max(fitting):.2f}" if fitting else ""
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("study", nargs="+")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--epochs", type=int)
    length.add_argument("--first", type=int)
    parser.add_argument("--also", action="append", default=[], metavar="STUDY")
    options = parser.parse_args()
    studies = [opened(name) for name in options.study]
    lenders = [*studies, *map(opened, options.also)]
    whole = [ended(study.records) for study in studies]
    epochs = options.epochs or min(sum(r.epochs for r in records) for records in whole)
    rows = []
    for study, records in zip(studies, whole, strict=True):
        if options.first is not None:
            found = [r for r in records if r.number < options.first]
        else:
            found = cut(records, epochs)
        budget, front = study.config.budget, pareto_front(found)
        row: dict[str, object] = {
            "study": study.folder.name,
            "epochs": sum(r.epochs for r in found),
            "candidates": sum(r.state in COUNTED for r in found),
            "stopped early": sum(r.state is State.STOPPED for r in found),
            **figures(found, budget),
        }
        verified = known(study, lenders)
        again = [tested(r, verified[r.number]) for r in front if r.number in verified]
        row["verified"] = f"{len(again)} of {len(front)}"
        row |= {f"test, {name}": value for name, value in figures(again, budget).items()}
        rows.append(row)
        print(f"\nFront of {study.folder.name} after {row['epochs']} epochs")
        for record in front:
            test = verified.get(record.number)
            print(
                f"  {record.params:>6,}  {record.accuracy:6.2f} %  "
                f"{f'{test.mean:.2f} % (n = {test.n})' if test else '':15}  "
                f"trial {record.number}  {record.architecture.summary()}"
            )
    print()
    print(pd.DataFrame(rows).T.to_string(header=False))


if __name__ == "__main__":
    main()
