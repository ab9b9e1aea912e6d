"""What a search adds to the designs that it starts with, by the recorded studies. Seconds.

    python benchmarks/gain.py [STUDY ...]    # default: mnist mnist-8k-random

Prints a row for each study and number of candidates: epochs spent, the hypervolume of the front on
the held-out images (parameters from 100 to the budget, accuracy from 97 %), and the best held-out
accuracy up to some sizes.
"""

import argparse
from math import nan

import pandas as pd
import recorded

from nas.records import hypervolume, pareto_front

DESIGNS = 7  # that a search of the conv space for 8,000 parameters starts with; 6 for 20,000
SIZES = (1_000, 2_000, 4_000, 8_000)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("study", nargs="*", default=["mnist", "mnist-8k-random"])
    options = parser.parse_args()
    rows = []
    for study in options.study:
        budget = recorded.budget(study)
        records = recorded.load(study)
        for count in (DESIGNS, 50, 100, 200, len(records)):
            if count > len(records):
                continue
            known = records[:count]
            front = pareto_front(known)
            best = {
                f"at {size:,}": max(
                    (r.accuracy or 0 for r in front if (r.params or 0) <= size), default=nan
                )
                for size in SIZES
            }
            rows.append(
                {
                    "study": study,
                    "candidates": count,
                    "epochs": sum(record.epochs for record in known),
                    "hypervolume from 97 %": round(hypervolume(known, budget, 97.0), 3),
                    **best,
                }
            )
    print(pd.DataFrame(rows).drop_duplicates().to_string(index=False))


if __name__ == "__main__":
    main()
