"""What a worker asks at a rung: does this candidate go on?"""

import optuna
from optuna.trial import FrozenTrial, TrialState

from nas.search import early_stop, trials
from nas.search.config import StudyConfig
from nas.search.early_stop import Point
from nas.training import Epoch


class Judge:
    """Records a candidate's accuracy at each rung in its trial, and compares it with what all
    workers have recorded there. What failed or was interrupted is not compared with."""

    def __init__(self, study: optuna.Study, config: StudyConfig) -> None:
        self._study = study
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
        others = [
            (_point(other, name), _end(other))
            for other in self._study.get_trials(deepcopy=False)
            if other.number != trial.number
            and name in other.user_attrs
            and other.state is not TrialState.FAIL
        ]
        reason = self._rule.stops(one, [point for point, _ in others])
        if not reason and self._target is not None:
            finished = [(point, end) for point, end in others if end is not None]
            reason = early_stop.out_of_reach(one, finished, self._target)
        return reason and f"{epoch.accuracy:.2f} % after epoch {epoch.number}: {reason}"


def _point(trial: FrozenTrial, name: str) -> Point:
    return Point(trial.user_attrs["params"], trial.user_attrs[name])


def _end(trial: FrozenTrial) -> float | None:
    """Its accuracy in the end, if it was trained to the end."""
    return float(trial.values[0]) if trial.state is TrialState.COMPLETE else None
