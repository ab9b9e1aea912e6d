"""Which runs a verification makes, and in which order: values only."""

from collections.abc import Sequence
from dataclasses import dataclass

from nas.records import Record, Run, Target


@dataclass(frozen=True, slots=True)
class Job:
    """One run to be made."""

    record: Record
    index: int

    @property
    def key(self) -> tuple[int, int]:
        return self.record.number, self.index


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be verified."""

    candidates: Sequence[Record]  # by rising parameters
    seeds: int
    sustained: int = 1  # last epochs after which the test images are read
    target: Target | None = None

    def next(self, runs: Sequence[Run], busy: set[tuple[int, int]]) -> Job | None:
        """The job to begin, given the `runs` that are there and the keys of those under way.

        With a target it walks up from the smallest candidate, and stops at the first that reaches
        it. Otherwise each has its first run before any has its second, so that it can be stopped at
        any time and has treated all alike; the costly ones are first, so that none is left to one
        worker at the end.
        """
        if self.target is not None:
            return self._towards(self.target, runs, busy)
        return next((job for job in self.missing(runs) if job.key not in busy), None)

    def missing(self, runs: Sequence[Run]) -> list[Job]:
        """All jobs whose runs are not there, in the order in which they begin without a target."""
        there = {
            (run.trial, run.index)
            for record in self.candidates
            for run in self.counted(record, runs)
        }
        order = sorted(self.candidates, key=lambda record: -record.seconds)
        jobs = (Job(record, index) for index in range(self.seeds) for record in order)
        return [job for job in jobs if job.key not in there]

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
        """Those of `runs` that answer for `record` here: its first seeds, read often enough."""
        return [
            run
            for run in runs
            if run.trial == record.number
            and run.index < self.seeds
            and len(run.accuracies) >= min(self.sustained, run.epochs)
        ]

    def answer(self, runs: Sequence[Run]) -> Record | None:
        """The smallest candidate that reaches the target; None if none does, or while it is open
        whether a smaller one does."""
        assert self.target is not None
        for record in self.candidates:
            verdict = self.target.verdict(self.counted(record, runs))
            if verdict is not False:
                return record if verdict else None
        return None
