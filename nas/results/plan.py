"""The runs of a verification, and their order."""

from collections.abc import Sequence
from dataclasses import dataclass

from nas.records import Record, Run, Target


@dataclass(frozen=True, slots=True)
class Job:
    """One run to make."""

    record: Record
    index: int

    @property
    def key(self) -> tuple[int, int]:
        return self.record.number, self.index


@dataclass(frozen=True, slots=True)
class Plan:
    """What to verify."""

    candidates: Sequence[Record]  # by rising parameters
    seeds: int
    sustained: int = 1  # how many of the last epochs read the test images
    target: Target | None = None

    def next(self, runs: Sequence[Run], busy: set[tuple[int, int]]) -> Job | None:
        """The next job, given the `runs` that exist and the keys of those in progress.

        With a target, it goes up from the smallest candidate to the first that reaches the target.
        Otherwise each candidate has its first run before any has its second, so that an interrupted
        verification has treated all alike. Expensive ones come first, so that no worker is left
        alone with one at the end.
        """
        if self.target is not None:
            return self._towards(self.target, runs, busy)
        return next((job for job in self.missing(runs) if job.key not in busy), None)

    def missing(self, runs: Sequence[Run]) -> list[Job]:
        """All jobs without a run, in the order in which they begin without a target."""
        done = {
            (run.trial, run.index)
            for record in self.candidates
            for run in self.counted(record, runs)
        }
        expensive = sorted(self.candidates, key=lambda record: -record.seconds)
        jobs = (Job(record, index) for index in range(self.seeds) for record in expensive)
        return [job for job in jobs if job.key not in done]

    def _towards(
        self, target: Target, runs: Sequence[Run], busy: set[tuple[int, int]]
    ) -> Job | None:
        for record in self.candidates:
            own = self.counted(record, runs)
            verdict = target.verdict(own)
            if verdict:
                return None
            if verdict is False:
                continue
            have = {run.index for run in own}
            for index in range(self.seeds):
                if index not in have and (record.number, index) not in busy:
                    return Job(record, index)
        return None

    def counted(self, record: Record, runs: Sequence[Run]) -> list[Run]:
        """The runs that count for `record`: its first seeds, with enough epochs tested."""
        return [
            run
            for run in runs
            if run.trial == record.number
            and run.index < self.seeds
            and len(run.accuracies) >= min(self.sustained, run.epochs)
        ]

    def answer(self, runs: Sequence[Run]) -> Record | None:
        """The smallest candidate that reaches the target; None if none does, or if a smaller one
        still may."""
        assert self.target is not None
        for record in self.candidates:
            verdict = self.target.verdict(self.counted(record, runs))
            if verdict is not False:
                return record if verdict else None
        return None
