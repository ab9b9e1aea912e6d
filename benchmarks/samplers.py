"""The samplers against each other: on a surrogate of the recorded curves, or on real training.

    python benchmarks/samplers.py [--trials 100] [--seeds 5] [--early-stop none neighbours]
                                  [--budget 8000] [--min-params 0] [--trainer surrogate]
                                  [--output samplers.csv]
    python benchmarks/samplers.py --trainer mnist-8k --sampler evolution --trials 200
                                  --seeds 6 --early-stop front --output samplers_study.csv
    python benchmarks/samplers.py --trainer digits --budget 2000 --trials 24 --early-stop front

The surrogate is made of curves.csv (`benchmarks/curves.py`), or of what a study has trained: a
Gaussian process for each of the epochs 1, 4 and 15, from an architecture's features and its errors
before to the logarithm of its held-out error, plus, for every architecture, the residuals of one
recorded net of similar size, so that luck occurs as often as it did. Its quality by five-fold
cross-validation is printed first. The search is the real one (worker, gate, early stopping,
SQLite), with a trainer that asks the surrogate: minutes. `--trainer digits` trains for real, on the
embedded digits.

Prints and writes samplers.csv beside this file: for each sampler the share of draws that are over
the budget or duplicates, that of its own draws that are in the upper half of the sizes, the epochs
spent, the hypervolume and the best accuracy at up to 1,000, 2,000, 4,000 and 8,000 parameters,
means and standard deviations over the seeds. With a surrogate also the hypervolume that the
networks of the front have without the luck that chose them.
Accuracies of the surrogate of curves.csv are those of nets trained on a quarter of MNIST.
"""

import argparse
import random
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import exp, log, nan, sqrt
from pathlib import Path

import numpy as np
import optuna
import pandas as pd
import recorded
import torch
from curves import CURVES, NETS
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from nas.architecture import Architecture, Limits, Task
from nas.data.images import Split, load_split
from nas.errors import ArchitectureError
from nas.execution.liveness import Heartbeat
from nas.execution.signals import StopSignal
from nas.execution.worker import Work, Worker
from nas.pruning.early_stopping import RULES
from nas.records import Record, State, hypervolume, pareto_front, trials
from nas.sampling.evolution import SPAN
from nas.sampling.features import features
from nas.sampling.samplers import SAMPLERS, sampler
from nas.spaces import load
from nas.storage import studies
from nas.study import candidate_files, setup
from nas.study.config import from_settings
from nas.study.folder import Folder
from nas.training import Epoch
from nas.training import fit as training
from nas.training.fit import Fit
from nas.training.machine import machine
from search_spaces import conv

SIZES = (1_000, 2_000, 4_000, 8_000)
KNOWN = (1, 4, 15)  # epochs
SIMILAR = 20  # recorded nets nearest in size, one of which lends a net its luck


class Surrogate:
    """Held-out accuracies of an architecture that was never trained.

    A chain: the error after the first of the `KNOWN` epochs follows from the features, and that
    after each later one from the features and the errors before it, so that a net that is good
    early is good late as often as it was in training. `errors`, in percent, has a row a net and a
    column an epoch; a net that was stopped has NaN from there on, and lends no luck.
    """

    def __init__(self, nets: Sequence[Architecture], errors: NDArray[np.float64]) -> None:
        errors = np.log(np.maximum(errors, 0.005))
        table = np.array([features(net).vector() for net in nets])
        whole = ~np.isnan(errors).any(axis=1)
        self._sizes = np.log([net.params for net in nets])[whole]
        self._models: list[Pipeline] = []
        residuals = np.full(errors.shape, np.nan)
        self.quality: list[dict[str, float]] = []
        for number, epoch in enumerate(KNOWN):
            there = ~np.isnan(errors[:, number])
            known = errors[there, number]
            given = np.hstack([table, errors[:, :number]])[there]
            folds = KFold(5, shuffle=True, random_state=0)
            guessed = cross_val_predict(_model(given.shape[1]), given, known, cv=folds)
            residuals[there, number] = known - guessed
            ranks = pd.Series(known).corr(pd.Series(guessed), method="spearman")
            r2 = 1 - np.var(known - guessed) / np.var(known)
            self.quality.append({"epoch": epoch, "nets": len(known), "spearman": ranks, "R2": r2})
            self._models.append(_model(given.shape[1]).fit(given, known))
        self._residuals: NDArray[np.float64] = residuals[whole]

    @classmethod
    def of_curves(cls) -> "Surrogate":
        """Of the recorded curves, under warm restarts."""
        nets = pd.read_csv(NETS).set_index("net")
        curves = pd.read_csv(CURVES).query("seed == 0 and schedule == 'restarts'")
        wide = curves.pivot_table(index="net", columns="epoch", values="accuracy").dropna()
        architectures = [Architecture.from_json(nets["json"][net]) for net in wide.index]
        return cls(architectures, 100 - wide[list(KNOWN)].to_numpy())

    @classmethod
    def of_study(cls, name: str) -> "Surrogate":
        """Of what a recorded search has trained."""
        records = recorded.load(name)
        errors = [[_error(record, epoch) for epoch in KNOWN] for record in records]
        return cls([record.architecture for record in records], np.array(errors))

    def expected(self, architecture: Architecture) -> float:
        """Its accuracy in the end without any luck, for what a front is really worth."""
        row = features(architecture).vector()
        for model in self._models:
            row = [*row, float(model.predict([row])[0])]
        return 100 - exp(row[-1])

    def accuracies(self, architecture: Architecture) -> list[float]:
        """After the epochs `KNOWN`."""
        apart = np.abs(self._sizes - log(architecture.params))
        own = random.Random(architecture.hash).choice(np.argsort(apart)[:SIMILAR].tolist())
        row = features(architecture).vector()
        found = []
        for model, residual in zip(self._models, self._residuals[own], strict=True):
            error = min(log(90.0), float(model.predict([row])[0]) + residual)
            row = [*row, error]
            found.append(100 - exp(error))
        return found

    def correlation(self, budget: int, count: int = 400) -> float:
        """Spearman's, between its first and its last epoch, over random draws."""
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
        task = Task((1, 28, 28), 10, Limits(budget))
        found: list[list[float]] = []
        while len(found) < count:
            try:
                net = conv.sample(study.ask(), task)
            except ArchitectureError:
                continue
            if net.params <= budget:
                found.append(self.accuracies(net))
        table = pd.DataFrame(found)
        return float(table[0].corr(table[len(KNOWN) - 1], method="spearman"))


def _error(record: Record, epoch: int) -> float:
    """In percent; NaN if it was stopped before."""
    if len(record.curve) < epoch:
        return nan
    return 100 - (record.curve[epoch - 1].accuracy or 0.0)


def _model(inputs: int) -> Pipeline:
    kernel = ConstantKernel() * RBF(np.full(inputs, 3.0), (0.3, 1e3)) + WhiteKernel(0.1)
    return make_pipeline(
        StandardScaler(), GaussianProcessRegressor(kernel, normalize_y=True, random_state=0)
    )


def trainer(surrogate: Surrogate) -> Callable[..., Fit]:
    """A stand-in for `nas.training.fit.fit`: the known epochs, and between them straight lines."""

    def fit(
        architecture: Architecture,
        _data: object,
        _recipe: object,
        _seed: int,
        on_epoch: Callable[[Epoch], bool | None],
        **_: object,
    ) -> Fit:
        known = surrogate.accuracies(architecture)
        curve = []
        for number in range(1, 16):
            accuracy = float(np.interp(number, KNOWN, known))
            curve.append(Epoch(number, 0.0, accuracy, 0.0, accuracy, 0.0))
            if on_epoch(curve[-1]) is False:
                break
        return Fit(tuple(curve), {})

    return fit


def search(
    name: str,
    rule: str,
    budget: int,
    min_params: int,
    trials_: int,
    seed: int,
    folder: Folder,
    surrogate: Surrogate | None,
) -> dict[str, float]:
    """What one search comes to; without luck as well, if it was on a surrogate."""
    config = from_settings(
        {"dataset": "digits", "trials": trials_, "sampler": name, "budget": budget}
        | {"early_stop": rule, "seed": seed, "min_params": min_params}
    )
    space = load(config.space)
    setup.write(folder, config, space)
    study = studies.create(folder.location)
    study.sampler = sampler(name, seed, space, config.task)
    start = space.start(config.task)
    for params in start:
        study.enqueue_trial(dict(params))
    data: Split = load_split(config.data)
    here = machine("cpu", config.recipe)
    begun = time.perf_counter()
    work = Work(folder, config, "benchmark", here, None)
    beat, stop = Heartbeat(study), StopSignal()
    Worker(work, "worker-0", "cpu", space, study, data, beat, stop, lambda _: None).run()
    spent = time.perf_counter() - begun
    records: list[Record] = trials.records(study)
    front = pareto_front(records)
    found = {
        "draws": len(records),
        "over %": 100 * sum(r.state is State.OVER_BUDGET for r in records) / len(records),
        "duplicate %": 100 * sum(r.state is State.DUPLICATE for r in records) / len(records),
        "impossible %": 100 * sum(r.state is State.IMPOSSIBLE for r in records) / len(records),
        "epochs": sum(r.epochs for r in records),
        "upper half %": 100 * _upper_half(records[len(start) :], config.task.limits),
        "hypervolume": hypervolume(records, budget, 90.0),
        "hypervolume 97": hypervolume(records, budget, 97.0),
        "ms a draw": 1e3 * spent / len(records),
    }
    if surrogate is not None:
        really = [_without_luck(record, surrogate) for record in front]
        found["hypervolume without luck"] = hypervolume(really, budget, 90.0)
        found["hypervolume 97 without luck"] = hypervolume(really, budget, 97.0)
    for size in SIZES:
        fitting = [r.accuracy or 0.0 for r in front if (r.params or 0) <= size]
        found[f"best at {size}"] = max(fitting, default=0.0)
    return found


def _upper_half(records: Sequence[Record], limits: Limits) -> float:
    """The share of `records` that are of a size in the upper half of the range that `evolution`
    looks at, in the logarithm."""
    middle = sqrt(max(limits.min_params, limits.params / SPAN) * limits.params)
    return sum(middle < (r.params or 0) <= limits.params for r in records) / len(records)


def _without_luck(record: Record, surrogate: Surrogate) -> Record:
    last = replace(record.curve[-1], accuracy=surrogate.expected(record.architecture))
    return replace(record, curve=(*record.curve[:-1], last))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--sampler", nargs="+", choices=list(SAMPLERS), default=list(SAMPLERS))
    parser.add_argument("--budget", type=int, default=8_000)
    parser.add_argument("--min-params", type=int, default=1)
    parser.add_argument(
        "--trainer", default="surrogate", help="surrogate, digits or a recorded study"
    )
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".csv"))
    parser.add_argument("--early-stop", nargs="+", choices=list(RULES), default=["none"])
    options = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    # A length scale at its bound says that a feature does not matter.
    warnings.simplefilter("ignore", ConvergenceWarning)
    torch.set_num_threads(1)
    surrogate = None
    if options.trainer != "digits":
        curves = options.trainer == "surrogate"
        surrogate = Surrogate.of_curves() if curves else Surrogate.of_study(options.trainer)
        print(pd.DataFrame(surrogate.quality).round(3).to_string(index=False))
        correlation = surrogate.correlation(options.budget)
        print(f"between epochs {KNOWN[0]} and {KNOWN[-1]} of random draws: {correlation:.3f}\n")
        training.fit = trainer(surrogate)  # type: ignore[assignment]
    candidate_files.keep = lambda *_: None  # the surrogate has no weights
    rows = []
    for rule in options.early_stop:
        for name in options.sampler:
            for seed in range(options.seeds):
                with tempfile.TemporaryDirectory() as scratch:
                    found = search(
                        name,
                        rule,
                        options.budget,
                        options.min_params,
                        options.trials,
                        seed,
                        Folder(Path(scratch) / "s"),
                        surrogate,
                    )
                rows.append({"sampler": name, "early stop": rule, "seed": seed, **found})
            own = pd.DataFrame(rows[-options.seeds :])
            print(name, rule, own.mean(numeric_only=True).round(3).to_dict(), flush=True)
    table = pd.DataFrame(rows).drop(columns="seed").groupby(["early stop", "sampler"], sort=False)
    both = table.agg(["mean", "std"])
    both.columns = pd.Index([", ".join(column) for column in both.columns.to_list()])
    both.insert(0, "seeds", options.seeds)
    both.insert(0, "trainer", options.trainer)
    both.insert(0, "trials", options.trials)
    both.insert(0, "budget", options.budget)
    both.round(4).reset_index().to_csv(options.output, index=False)


if __name__ == "__main__":
    main()
