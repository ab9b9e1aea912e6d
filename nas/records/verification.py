"""Results of `nas verify`: networks trained again with fresh seeds and tested."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev


@dataclass(frozen=True, slots=True)
class Run:
    """One training on the whole training set. Accuracies in percent, on the test images."""

    trial: int  # number of the trial
    index: int  # number of the run of this trial, from 0
    seed: int
    epochs: int
    accuracies: tuple[float, ...]  # after each of the last epochs that were tested, by default one
    loss: float  # after the last epoch
    seconds: float
    device: str

    @property
    def accuracy(self) -> float:
        """Test accuracy after the last epoch."""
        return self.accuracies[-1]

    def passes(self, target: float, sustained: int = 1) -> bool:
        """Whether each of the last `sustained` epochs reached `target` percent."""
        last = self.accuracies[-sustained:]
        return len(last) == sustained and min(last) >= target


@dataclass(frozen=True, slots=True)
class Verification:
    """All runs of one candidate, at least one."""

    trial: int
    runs: tuple[Run, ...]

    @property
    def n(self) -> int:
        return len(self.runs)

    @property
    def mean(self) -> float:
        return fmean(run.accuracy for run in self.runs)

    @property
    def std(self) -> float | None:
        """The sample's standard deviation; None for a single run."""
        return stdev(run.accuracy for run in self.runs) if self.n > 1 else None

    @property
    def minimum(self) -> float:
        return min(run.accuracy for run in self.runs)

    @property
    def spread(self) -> str:
        """`99.41 ± 0.05`, the mean and standard deviation; the mean alone for a single run."""
        return f"{self.mean:.2f}" if self.std is None else f"{self.mean:.2f} ± {self.std:.2f}"

    def sentence(self) -> str:
        """`99.41 ± 0.05 % on the test set (mean ± standard deviation of 5 seeds, ...)`."""
        seeds = f"mean ± standard deviation of {self.n} seeds" if self.n > 1 else "from 1 seed"
        return (
            f"{self.spread} % on the test set ({seeds}, the lowest {self.minimum:.2f} %), "
            "trained on the whole training set"
        )


def verifications(runs: Iterable[Run]) -> dict[int, Verification]:
    """The runs of each trial, in the order of their index."""
    gathered: dict[int, list[Run]] = {}
    for run in runs:
        gathered.setdefault(run.trial, []).append(run)
    return {
        trial: Verification(trial, tuple(sorted(own, key=lambda run: run.index)))
        for trial, own in sorted(gathered.items())
    }


@dataclass(frozen=True, slots=True)
class Target:
    """A goal for a network: `accuracy` percent in `passes` of `seeds` runs."""

    accuracy: float
    passes: int
    seeds: int
    sustained: int = 1  # how many of the last epochs must all reach it

    def passed(self, runs: Sequence[Run]) -> list[bool]:
        """For each of the `runs`, whether it reached the target."""
        return [run.passes(self.accuracy, self.sustained) for run in runs]

    def verdict(self, runs: Sequence[Run]) -> bool | None:
        """Whether a network with these `runs` reaches the target; None while undecided.

        It fails as soon as it can no longer reach the target. It passes only after all its seeds,
        so that its mean is over all of them.
        """
        passed = sum(self.passed(runs))
        if len(runs) - passed > self.seeds - self.passes:
            return False
        return passed >= self.passes if len(runs) >= self.seeds else None
