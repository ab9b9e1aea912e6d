"""How many random draws of the conv space keep to the budget, and what the gate costs.

    python benchmarks/feasibility.py

Prints a table and writes feasibility.csv beside this file. A draw is feasible if it can exist and
has at most the budget's parameters. `gate` is the time from a sampled architecture to its
rejection: its costs, its hash, and the check against all limits, without a database; `storage` is
what Optuna and SQLite take to create, fill and end that trial. The sampler is random, so that its
own time is as small as it can be.
"""

import tempfile
import time
from pathlib import Path
from statistics import median

import optuna
import pandas as pd
from optuna.trial import FixedTrial, TrialState

from nas.architecture import Limits, Task
from nas.errors import ArchitectureError
from nas.search import gate, storage, trials
from nas.search.folder import Folder
from search_spaces import conv

BUDGETS = (1_000, 8_000, 20_000)
DRAWS = 2_000
STORED = 100


def feasibility(budget: int) -> dict[str, object]:
    """Shares of random draws, and the median time of the gate for those over the budget."""
    task = Task((1, 28, 28), 10, Limits(budget))
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    counts = {"feasible": 0, "over": 0, "impossible": 0}
    gate_ms = []
    for _ in range(DRAWS):
        trial = study.ask()
        try:
            architecture = conv.sample(trial, task)
        except ArchitectureError:
            counts["impossible"] += 1
            continue
        start = time.perf_counter()
        described = (architecture.params, architecture.macs, architecture.peak_ram)
        assert architecture.hash
        excess = gate.excess(architecture, task.limits)
        gate.violations(architecture, task.limits)
        spent = 1e3 * (time.perf_counter() - start)
        assert described[0] == architecture.params
        counts["over" if excess else "feasible"] += 1
        if excess:
            gate_ms.append(spent)
    shares = {name: round(100 * count / DRAWS, 1) for name, count in counts.items()}
    return {
        "budget": budget,
        **{f"{name} %": share for name, share in shares.items()},
        "gate ms, median": round(median(gate_ms), 3),
        "gate ms, worst": round(max(gate_ms), 3),
    }


def stored_rejection() -> float:
    """Median milliseconds that the database takes for one rejected draw, sampling included."""
    task = Task((1, 28, 28), 10, Limits(8_000))
    sampled = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    times: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        study = storage.create(Folder(Path(folder)))
        study.sampler = optuna.samplers.RandomSampler(seed=0)
        while len(times) < STORED:
            draw = sampled.ask()
            try:
                conv.sample(draw, task)
            except ArchitectureError:
                continue
            architecture = conv.sample(FixedTrial(draw.params), task)
            study.enqueue_trial(draw.params)
            start = time.perf_counter()
            trial = study.ask()
            conv.sample(trial, task)
            trials.set_architecture(trial, architecture)
            trial.set_constraint("params", 1.0)
            trials.set_attributes(trial, {"state": "over budget", "reason": "too many"})
            study.tell(trial, state=TrialState.PRUNED)
            times.append(1e3 * (time.perf_counter() - start))
    return median(times)


def main() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    table = pd.DataFrame([feasibility(budget) for budget in BUDGETS])
    table.to_csv(Path(__file__).with_suffix(".csv"), index=False)
    print(table.to_string(index=False))
    print(f"storage of one rejected draw in SQLite: {stored_rejection():.0f} ms")


if __name__ == "__main__":
    main()
