"""Early stopping of a running trial."""

from collections.abc import Sequence

import optuna

from nas.pruning import early_stopping
from nas.pruning.early_stopping import Rule
from nas.records import Point, trials
from nas.records.ledger import Ledger
from nas.training import Epoch


class Judge:
    """Records a candidate's accuracy at each rung and compares it with others at the same rung.

    The others come from all workers. Failed and interrupted candidates are left out.
    """

    def __init__(
        self, ledger: Ledger, rule: Rule, rungs: Sequence[int], target: float | None
    ) -> None:
        """`target` is the accuracy in percent that a candidate must be able to reach, or None."""
        self._ledger = ledger
        self._rule = rule
        self._rungs = rungs
        self._target = target

    def stops(self, trial: optuna.Trial, params: int, epoch: Epoch) -> str:
        """Reason to stop the candidate of the open `trial` after `epoch`; empty to continue."""
        if epoch.number not in self._rungs:
            return ""
        assert epoch.accuracy is not None, "a search evaluates after every epoch"
        one, name = Point(params, epoch.accuracy), trials.rung(epoch.number)
        trials.set_attributes(trial, {name: epoch.accuracy})
        self._ledger.update()
        others = self._ledger.at_rung(name, but=trial.number)
        reason = self._rule.stops(one, [point for point, _ in others])
        if not reason and self._target is not None:
            finished = [(point, final) for point, final in others if final is not None]
            reason = early_stopping.out_of_reach(one, finished, self._target)
        return reason and f"{epoch.accuracy:.2f} % after epoch {epoch.number}: {reason}"
