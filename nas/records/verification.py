"""What `nas verify` found: a network trained again with fresh seeds and measured on test images."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev


@dataclass(frozen=True, slots=True)
class Run:
    """One training on the whole training set. Accuracies in percent, on the test images."""

    trial: int  # whose architecture it is
    index: int  # which of the fresh seeds, from 0
    seed: int
    epochs: int
    accuracies: tuple[float, ...]  # after the last epochs, as many as were read; one by default
    loss: float  # after the last epoch
    seconds: float
    device: str

    @property
    def accuracy(self) -> float:
        """After the last epoch, whatever the epochs before it had."""
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

    def sentence(self) -> str:
        """`99.41 ± 0.05 % of the test images (mean ± standard deviation of 5 seeds, ...)`."""
        spread = "" if self.std is None else f" ± {self.std:.2f}"
        what = "mean ± standard deviation of" if self.std is not None else "from"
        seeds = f"{self.n} seeds" if self.n > 1 else "1 seed"
        return (
            f"{self.mean:.2f}{spread} % of the test images ({what} {seeds}, the lowest "
            f"{self.minimum:.2f} %), trained on the whole training set"
        )


def verifications(runs: Iterable[Run]) -> dict[int, Verification]:
    """The runs, gathered by trial and in the order of their seeds."""
    gathered: dict[int, list[Run]] = {}
    for run in runs:
        gathered.setdefault(run.trial, []).append(run)
    return {
        trial: Verification(trial, tuple(sorted(own, key=lambda run: run.index)))
        for trial, own in sorted(gathered.items())
    }


@dataclass(frozen=True, slots=True)
class Target:
    """What a network has to reach: `accuracy` percent in `passes` of `seeds` runs."""

    accuracy: float
    passes: int
    seeds: int
    sustained: int = 1  # last epochs that must all reach it

    def passed(self, runs: Sequence[Run]) -> list[bool]:
        """Which of the `runs` reached it."""
        return [run.passes(self.accuracy, self.sustained) for run in runs]

    def verdict(self, runs: Sequence[Run]) -> bool | None:
        """Whether a network with these `runs` reaches it; None while that is open.

        A network that can no longer reach it has failed at once; one that has reached it is still
        given all its seeds, so that its mean is that of all.
        """
        passed = sum(self.passed(runs))
        if len(runs) - passed > self.seeds - self.passes:
            return False
        return passed >= self.passes if len(runs) >= self.seeds else None
