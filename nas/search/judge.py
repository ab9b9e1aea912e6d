"""What a worker asks at a rung: does this candidate go on?"""

import optuna

from nas.search import early_stop, trials
from nas.search.config import StudyConfig
from nas.search.early_stop import Point
from nas.search.ledger import Ledger
from nas.training import Epoch


class Judge:
    """Records a candidate's accuracy at each rung in its trial, and compares it with what all
    workers have recorded there. What failed or was interrupted is not compared with."""

    def __init__(self, ledger: Ledger, config: StudyConfig) -> None:
        self._ledger = ledger
        self._rule = early_stop.rule(config.early_stop)
        self._rungs = early_stop.rungs(config.recipe.epochs)
        self._target = config.min_accuracy

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
            reason = early_stop.out_of_reach(one, finished, self._target)
        return reason and f"{epoch.accuracy:.2f} % after epoch {epoch.number}: {reason}"
