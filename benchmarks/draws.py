"""What a sampler costs a draw, as the study grows.

    python benchmarks/draws.py [--known 200 1000 5000] [--draws 20]

A study in memory is filled with as many random candidates of the conv space as `--known` says, each
with accuracies that follow from its size and a random part, four in five of them stopped after the
first rung. Then every sampler draws `--draws` candidates for it, and each is ended the same way, so
that a model is renewed as often as in a search. Processor time of this one process; the storage's
part, which is the same for all, is in bookkeeping.csv. Prints a row a sampler and size, and writes
draws.csv beside this file.
"""

import argparse
import math
import random
import time
from pathlib import Path

import optuna
import pandas as pd
from optuna.trial import TrialState

from nas.architecture import Architecture
from nas.errors import ArchitectureError
from nas.search import gate, trials
from nas.search.config import StudyConfig, from_settings
from nas.search.samplers import SAMPLERS, sampler
from nas.search.space import Space, load
from nas.search.storage import DIRECTIONS


def end(study: optuna.Study, trial: optuna.Trial, net: Architecture, rng: random.Random) -> None:
    """Tell the study of `net` as a worker would, with accuracies that nobody measured."""
    error = min(90.0, 300 / math.sqrt(net.params) * math.exp(rng.gauss(0, 0.7)))
    trials.set_architecture(trial, net)
    trials.set_attributes(trial, {trials.rung(1): 100 - error})
    if rng.random() < 0.8:
        trials.set_attributes(trial, {"state": "stopped"})
        study.tell(trial, state=TrialState.PRUNED)
    else:
        study.tell(trial, [100 - error / 3, net.params])


def draw(study: optuna.Study, config: StudyConfig, space: Space, rng: random.Random) -> None:
    """One trial from asking to telling."""
    trial = study.ask()
    try:
        net = space.sample(trial, config.task)
    except ArchitectureError:
        trial.set_constraint("possible", 1.0)
        study.tell(trial, state=TrialState.PRUNED)
        return
    trials.set_constraints(trial, gate.violations(net, config.task.limits))
    if gate.excess(net, config.task.limits):
        trials.set_architecture(trial, net)
        study.tell(trial, state=TrialState.PRUNED)
        return
    end(study, trial, net, rng)


def trained(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    """Those that have come to the first rung."""
    rung = trials.rung(1)
    return [trial for trial in study.get_trials(deepcopy=False) if rung in trial.user_attrs]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--known", type=int, nargs="+", default=[200, 1_000, 5_000])
    parser.add_argument("--draws", type=int, default=20)
    options = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    config = from_settings({"dataset": "mnist", "budget": 8_000})
    space = load(config.space)
    rows = []
    filled = optuna.create_study(
        directions=DIRECTIONS, sampler=optuna.samplers.RandomSampler(seed=0)
    )
    rng = random.Random(0)
    for known in sorted(options.known):
        while len(trained(filled)) < known:
            draw(filled, config, space, rng)
        for name in SAMPLERS:
            study = optuna.create_study(
                directions=DIRECTIONS, sampler=sampler(name, 0, space, config.task)
            )
            study.add_trials(trained(filled)[:known])
            draw(study, config, space, rng)  # what is read or made once
            times = []
            for _ in range(options.draws):
                began = time.process_time()
                draw(study, config, space, rng)
                times.append(1e3 * (time.process_time() - began))
            rows.append(
                {
                    "sampler": name,
                    "known": known,
                    "ms a draw, mean": sum(times) / len(times),
                    "ms a draw, longest": max(times),
                    "draws": len(times),
                }
            )
            print(rows[-1], flush=True)
    pd.DataFrame(rows).round(1).to_csv(Path(__file__).with_suffix(".csv"), index=False)


if __name__ == "__main__":
    main()
