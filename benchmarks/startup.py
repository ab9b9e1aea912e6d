"""How long a person waits: help, the front of a large study, a search's first worker and its first
candidate, of one epoch on the small digits.

    python benchmarks/startup.py [--study FOLDER]

FOLDER is a large study, for example of `benchmarks/bookkeeping.py --trials 5000 --study FOLDER`.
Each is run five times; prints the median and the slowest and writes startup.csv beside this file.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import pandas as pd

REPEATS = 5


def timed(arguments: list[str], until: str | None = None) -> float:
    """Seconds until `nas` with `arguments` ends, or prints a line with `until`."""
    start = time.perf_counter()
    with (
        tempfile.TemporaryDirectory() as scratch,
        subprocess.Popen(
            [sys.executable, "-m", "nas", *arguments],
            stdout=subprocess.PIPE,
            text=True,
            cwd=scratch,
        ) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            if until and until in line:
                break
        else:
            assert process.wait() == 0, f"nas {' '.join(arguments)} failed"
        seconds = time.perf_counter() - start
        process.terminate()
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", type=Path)
    study = parser.parse_args().study
    commands: dict[str, tuple[list[str], str | None]] = {"nas --help": (["--help"], None)}
    if study:
        path = str(study.resolve())
        commands["nas front, of a large study"] = (["front", path], None)
        commands["nas status, of a large study"] = (["status", path], None)
    search = ["search", "--workers", "1", "--trials", "1", "--epochs", "1"]
    # The worker says that it is ready when it has its data; its first trial starts at once.
    commands["nas search, to the first worker, mnist"] = (search, "worker-0 on")
    small = [*search, "--dataset", "digits", "--budget", "900"]
    commands["nas search, to the first candidate, digits"] = (small, "trial 0 trained")
    commands["nas search of one candidate, digits"] = (small, None)
    rows = []
    for name, (arguments, until) in commands.items():
        seconds = [timed(arguments, until) for _ in range(REPEATS)]
        rows.append(
            {
                "what": name,
                "s, median": round(median(seconds), 2),
                "s, slowest": round(max(seconds), 2),
            }
        )
    table = pd.DataFrame(rows)
    table.to_csv(Path(__file__).with_suffix(".csv"), index=False)
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
