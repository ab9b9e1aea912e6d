"""Write candidates into Optuna trials, and read records back."""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, astuple
from datetime import UTC, datetime
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from nas.architecture import Architecture
from nas.errors import StudyError
from nas.records import COUNTED, Record, Run, State
from nas.storage import adapter, reader
from nas.training import Epoch

RUNG = "accuracy after epoch "  # prefix of the rung attributes
GIVEN = "given"  # attribute: JSON of an architecture that is given, not sampled
START_FROM = "start_from"  # attribute: origin of a warm-start candidate
INHERITED = (GIVEN, START_FROM)  # attributes that a retry copies
SEED = "seed"  # attribute: random seed of the training, set when training begins
OWNER = "owner"  # attribute: the process that supervises the trial's worker
WITHDRAWN = "withdrawn"  # state of a trial in excess of `--trials`; not a draw
MAX_RETRIES = 2  # of a candidate whose worker died

# Attributes of a single attempt, which a requeued trial does not copy.
_PER_ATTEMPT = ("state", "reason", "worker", "device", OWNER)

# Machine-readable values are system attributes: the dashboard shows user attributes in lines that
# do not wrap.
ARCHITECTURE = "nas:architecture"
CURVE = "nas:curve"


def set_architecture(trial: optuna.Trial, architecture: Architecture) -> None:
    """Write the candidate's architecture and costs into an open trial."""
    text = json.dumps(architecture.to_json(), separators=(",", ":"))
    adapter.set_trial_attribute(trial, ARCHITECTURE, text)
    set_attributes(
        trial,
        {
            "architecture": architecture.summary(),
            "params": architecture.params,
            "macs": architecture.macs,
            "peak_ram": architecture.peak_ram,
            # Written last: a trial with a hash has all of these attributes.
            "hash": architecture.hash,
        },
    )


def rung(epoch: int) -> str:
    """Name of the attribute for the accuracy at the rung after `epoch`."""
    return f"{RUNG}{epoch}"


def counts(trial: FrozenTrial) -> bool:
    """Whether `trial` trained a candidate, fully or until it was stopped early."""
    return (
        trial.state is TrialState.COMPLETE or trial.user_attrs.get("state") == State.STOPPED.value
    )


def running(study: optuna.Study) -> list[FrozenTrial]:
    """The running trials."""
    return study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))


def frozen(study: optuna.Study, trial: optuna.Trial) -> FrozenTrial:
    """The current state of `trial` in the storage."""
    return study.get_trials(deepcopy=False)[trial.number]


def set_constraints(trial: optuna.Trial, violations: Mapping[str, float]) -> None:
    """Write constraints into an open trial: cost / limit - 1, by name of the limit."""
    for name, value in violations.items():
        trial.set_constraint(name, value)


def set_curve(trial: optuna.Trial, curve: Iterable[Epoch]) -> None:
    """Write the learning curve into an open trial."""
    adapter.set_trial_attribute(trial, CURVE, [list(astuple(epoch)) for epoch in curve])


def set_attributes(trial: optuna.Trial, attributes: Mapping[str, Any]) -> None:
    """Write user attributes into an open trial."""
    for name, value in attributes.items():
        trial.set_user_attr(name, value)


def records(study: optuna.Study) -> list[Record]:
    """Records of all draws, in order. Queued and withdrawn trials are left out.

    Raises `StudyError` if the storage cannot be read.
    """
    try:
        drawn = reader.trials(study)
    except (ValueError, KeyError, TypeError) as error:
        raise StudyError(
            f"study {study.study_name} cannot be read: its storage holds values that Optuna does "
            f"not write ({error!r}): restore it from a copy"
        ) from error
    return [
        record(trial)
        for trial in drawn
        if trial.state is not TrialState.WAITING and not is_withdrawn(trial)
    ]


def record(trial: FrozenTrial) -> Record:
    """The record of `trial`; raises `StudyError` if `nas` did not write the trial."""
    try:
        return _record(trial)
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as error:
        raise StudyError(
            f"trial {trial.number} of the study cannot be read ({error}): another version of nas "
            "wrote it, or another program changed it: restore the study, or choose another --study"
        ) from error


def _record(trial: FrozenTrial) -> Record:
    attributes, kept = trial.user_attrs, trial.system_attrs
    state, reason = outcome(trial)
    curve = tuple(_epoch(values) for values in kept.get(CURVE, ()))
    if state in COUNTED:
        for name, value in (
            ("learning curve", curve),
            ("accuracy", curve and curve[-1].accuracy is not None),
            ("architecture", kept.get(ARCHITECTURE)),
            ("hash", attributes.get("hash")),
            ("params", attributes.get("params")),
            ("macs", attributes.get("macs") is not None),
            ("peak_ram", attributes.get("peak_ram")),
        ):
            if not value:
                raise ValueError(f"it has no {name}")
    return Record(
        number=trial.number,
        state=state,
        reason=_text(reason, "reason"),
        sampled=trial.params,
        architecture_json=_text(kept.get(ARCHITECTURE), ARCHITECTURE, None),
        hash=_text(attributes.get("hash"), "hash", None),
        params=_whole(attributes, "params"),
        macs=_whole(attributes, "macs"),
        peak_ram=_whole(attributes, "peak_ram"),
        curve=curve,
        worker=_text(attributes.get("worker", ""), "worker"),
        device=_text(attributes.get("device", ""), "device"),
        seed=_whole(attributes, SEED),
        started=_aware(trial.datetime_start),
        finished=_aware(trial.datetime_complete),
    )


def _text(value: Any, name: str, *allowed: None) -> Any:
    if isinstance(value, str) or value in allowed:
        return value
    raise ValueError(f"its {name} is {value!r:.40}, not text")


def _whole(attributes: Mapping[str, Any], name: str) -> int | None:
    value = attributes.get(name)
    if value is None or (type(value) is int and value >= 0):
        return value
    raise ValueError(f"its {name} is {value!r:.40}, not a count")


def _epoch(values: Any) -> Epoch:
    number, *metrics = values
    epoch = Epoch(number, *metrics)
    for value in metrics:
        if value is not None and (isinstance(value, bool) or not math.isfinite(value)):
            raise ValueError(f"its learning curve has {value!r:.40}")
    if type(number) is not int:
        raise ValueError(f"its learning curve has an epoch {number!r:.40}")
    return epoch


RUN = "verified"  # attributes of the study: verified:<trial>:<index>


def add_run(study: optuna.Study, run: Run) -> None:
    """Write a run of `nas verify` into the study, because a finished trial is read-only."""
    study.set_user_attr(f"{RUN}:{run.trial}:{run.index}", asdict(run))


def runs(study: optuna.Study) -> list[Run]:
    """All runs of `nas verify`; raises `StudyError` if one cannot be read."""
    stored = {k: value for k, value in study.user_attrs.items() if k.startswith(f"{RUN}:")}
    try:
        return [
            Run(**{**v, "accuracies": tuple(map(float, v["accuracies"]))}) for v in stored.values()
        ]
    except (TypeError, ValueError, KeyError) as error:
        raise StudyError(
            f"a run of `nas verify` in the study cannot be read ({error}): restore the study"
        ) from error


def has_failed(trial: FrozenTrial) -> bool:
    """Whether the trial failed for good: training raised an error, or too many workers died."""
    return trial.user_attrs.get("state") == State.FAILED.value


def outcome(trial: FrozenTrial) -> tuple[State, str]:
    """The state of the draw `trial` and the reason for it."""
    reason = trial.user_attrs.get("reason", "")
    if trial.state is TrialState.COMPLETE:
        return State.TRAINED, reason
    if trial.state is TrialState.RUNNING:
        return State.RUNNING, reason
    if trial.state is TrialState.FAIL and "state" not in trial.user_attrs:
        return State.INTERRUPTED, "ended by another program"
    return State(trial.user_attrs["state"]), reason


def _aware(moment: datetime | None) -> datetime | None:
    """`moment` in UTC; Optuna stores naive local times."""
    return moment.astimezone(UTC) if moment else None


def give_back(study: optuna.Study, trial: FrozenTrial, reason: str) -> None:
    """Fail the running `trial` of a worker that ended, and enqueue its candidate again.

    Safe to call from several processes: only one of them takes effect. After `MAX_RETRIES` retries
    the candidate is not enqueued again.
    """
    state = State.INTERRUPTED
    if _retries_exhausted(trial):
        state, reason = State.FAILED, f"{reason}; {_attempts(trial)}"
    try:
        adapter.fail_trial(study, trial, {"state": state.value, "reason": reason})
    except optuna.exceptions.UpdateFinishedTrialError:
        return  # it finished, or another process was first
    if "hash" not in trial.user_attrs:
        _requeue(study, trial)
    elif not _retries_exhausted(trial):
        kept = {k: v for k, v in trial.user_attrs.items() if k in INHERITED}
        again = {"retries": trial.user_attrs.get("retries", 0) + 1, "retry_of": trial.number}
        study.enqueue_trial(trial.params, user_attrs={**kept, **again})


def withdraw(study: optuna.Study, trial: FrozenTrial) -> None:
    """End a trial in excess of `--trials`, and requeue the parameters it took from the queue."""
    adapter.fail_trial(study, trial, {"state": WITHDRAWN})
    _requeue(study, trial)


def is_withdrawn(trial: FrozenTrial) -> bool:
    """Whether `trial` was withdrawn by `withdraw`."""
    return trial.user_attrs.get("state") == WITHDRAWN


def _requeue(study: optuna.Study, trial: FrozenTrial) -> None:
    """Enqueue again the queued parameters of a trial that was not sampled."""
    queued = trial.system_attrs.get(adapter.QUEUED_PARAMS)
    if queued is not None:
        kept = {k: v for k, v in trial.user_attrs.items() if k not in _PER_ATTEMPT}
        study.enqueue_trial(queued, user_attrs=kept)


def _retries_exhausted(trial: FrozenTrial) -> bool:
    return "hash" in trial.user_attrs and trial.user_attrs.get("retries", 0) >= MAX_RETRIES


def _attempts(trial: FrozenTrial) -> str:
    return f"given up after {trial.user_attrs.get('retries', 0) + 1} attempts"
