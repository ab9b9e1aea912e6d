"""What a worker asks at a rung: does this candidate go on?"""

from collections.abc import Sequence

import optuna

from nas.pruning import early_stopping
from nas.pruning.early_stopping import Rule
from nas.records import Point, trials
from nas.records.ledger import Ledger
from nas.training import Epoch


class Judge:
    """Records a candidate's accuracy at each rung, and compares it with the others' there.

    The others are those of all workers. What failed or was interrupted is not compared with.
    """

    def __init__(
        self, ledger: Ledger, rule: Rule, rungs: Sequence[int], target: float | None
    ) -> None:
        """`target` is the accuracy in percent that a candidate must be able to reach, if any."""
        self._ledger = ledger
        self._rule = rule
        self._rungs = rungs
        self._target = target

    def stops(self, trial: optuna.Trial, params: int, epoch: Epoch) -> str:
        """Why the candidate of the open `trial` ends after `epoch`; or an empty string."""
        if epoch.number not in self._rungs:
            return ""
        assert epoch.accuracy is not None, "a search measures after every epoch"
        one, name = Point(params, epoch.accuracy), trials.rung(epoch.number)
        trials.set_attributes(trial, {name: epoch.accuracy})
        self._ledger.update()
        others = self._ledger.at_rung(name, but=trial.number)
        reason = self._rule.stops(one, [point for point, _ in others])
        if not reason and self._target is not None:
            finished = [(point, end) for point, end in others if end is not None]
            reason = early_stopping.out_of_reach(one, finished, self._target)
        return reason and f"{epoch.accuracy:.2f} % after epoch {epoch.number}: {reason}"
