"""Between Optuna's trials and our records: what is written into a trial, and read back."""

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
from nas.storage import reader
from nas.training import Epoch

RUNG = "accuracy after epoch "  # how the attributes of rungs begin
GIVEN = "given"  # attribute: the architecture's JSON, where it is given and not drawn
START_FROM = "start_from"  # attribute: where a candidate that was known before comes from
PASSED_ON = (GIVEN, START_FROM)  # from an interrupted trial to the one that tries it again
SEED = "seed"  # attribute: of its training, which is certain from then on
OWNER = "owner"  # attribute: the process that supervises the trial's worker
WITHDRAWN = "withdrawn"  # the state of a trial that was one too many, and never was a draw
BEAT = "nas:beat"  # system attribute: how many signs of life its worker has given
MAX_RETRIES = 2  # how often a candidate whose worker died is tried again


QUEUE = "fixed_params"  # Optuna's system attribute of a trial that was queued
_OWN = ("state", "reason", "worker", "device", OWNER)  # attributes of one attempt, not of its task

# What only a program reads is kept in the trial's system attributes, as Optuna and its dashboard
# keep theirs: the dashboard shows user attributes in lines that never wrap.
ARCHITECTURE = "nas:architecture"
CURVE = "nas:curve"


def set_architecture(trial: optuna.Trial, architecture: Architecture) -> None:
    """Write into an open trial what its candidate is."""
    _keep(trial, ARCHITECTURE, json.dumps(architecture.to_json(), separators=(",", ":")))
    set_attributes(
        trial,
        {
            "architecture": architecture.summary(),
            "params": architecture.params,
            "macs": architecture.macs,
            "peak_ram": architecture.peak_ram,
            # The last: a trial that has it has all of them.
            "hash": architecture.hash,
        },
    )


def rung(epoch: int) -> str:
    """The attribute that holds a candidate's accuracy at the rung after `epoch`."""
    return f"{RUNG}{epoch}"


def counts(trial: FrozenTrial) -> bool:
    """Whether `trial` has trained a candidate, to the end or until it was stopped early."""
    return (
        trial.state is TrialState.COMPLETE or trial.user_attrs.get("state") == State.STOPPED.value
    )


def frozen(study: optuna.Study, trial: optuna.Trial) -> FrozenTrial:
    """What `study` has of `trial` now."""
    return study.get_trials(deepcopy=False)[trial.number]


def set_constraints(trial: optuna.Trial, violations: Mapping[str, float]) -> None:
    """Write into an open trial how far its candidate is from each limit: cost / limit - 1."""
    for name, value in violations.items():
        trial.set_constraint(name, value)


def set_curve(trial: optuna.Trial, curve: Iterable[Epoch]) -> None:
    """Write into an open trial how its candidate was trained."""
    _keep(trial, CURVE, [list(astuple(epoch)) for epoch in curve])


def _keep(trial: optuna.Trial, name: str, value: Any) -> None:
    trial.storage.set_trial_system_attr(trial._trial_id, name, value)


def set_attributes(trial: optuna.Trial, attributes: Mapping[str, Any]) -> None:
    """Write user attributes into an open trial."""
    for name, value in attributes.items():
        trial.set_user_attr(name, value)


def records(study: optuna.Study) -> list[Record]:
    """A record of every draw, in order. Queued trials, which nobody has drawn yet, are left out,
    and so are withdrawn ones."""
    try:
        drawn = reader.trials(study)
    except (ValueError, KeyError, TypeError) as error:
        raise StudyError(
            f"the study {study.study_name} cannot be read, something in its storage is not what "
            f"Optuna writes: {error!r}: restore it from a copy"
        ) from error
    return [
        record(trial)
        for trial in drawn
        if trial.state is not TrialState.WAITING and not is_withdrawn(trial)
    ]


def record(trial: FrozenTrial) -> Record:
    """What `trial` says of its candidate; raises `StudyError` if it is none of ours."""
    try:
        return _record(trial)
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as error:
        raise StudyError(
            f"trial {trial.number} of the study cannot be read ({error}): it was made by another "
            "version of nas, or changed by another program: restore it, or search anew under "
            "another --study"
        ) from error


def _record(trial: FrozenTrial) -> Record:
    attributes, kept = trial.user_attrs, trial.system_attrs
    state, reason = outcome(trial)
    curve = tuple(_epoch(values) for values in kept.get(CURVE, ()))
    if state in COUNTED:
        for name, there in (
            ("learning curve", curve),
            ("accuracy", curve and curve[-1].accuracy is not None),
            ("architecture", kept.get(ARCHITECTURE)),
            ("hash", attributes.get("hash")),
            ("params", attributes.get("params")),
            ("macs", attributes.get("macs") is not None),
            ("peak_ram", attributes.get("peak_ram")),
        ):
            if not there:
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


def _text(value: Any, name: str, *others: None) -> Any:
    if isinstance(value, str) or value in others:
        return value
    raise ValueError(f"its {name} is {value!r:.40}, and no text")


def _whole(attributes: Mapping[str, Any], name: str) -> int | None:
    value = attributes.get(name)
    if value is None or (type(value) is int and value >= 0):
        return value
    raise ValueError(f"its {name} is {value!r:.40}, and no count")


def _epoch(values: Any) -> Epoch:
    number, *figures = values
    epoch = Epoch(number, *figures)
    for value in figures:
        if value is not None and (isinstance(value, bool) or not math.isfinite(value)):
            raise ValueError(f"its learning curve has {value!r:.40}")
    if type(number) is not int:
        raise ValueError(f"its learning curve has an epoch {number!r:.40}")
    return epoch


RUN = "verified"  # attributes of the study: verified:<trial>:<index>


def add_run(study: optuna.Study, run: Run) -> None:
    """Write a run of `nas verify` into the study; a trial that has ended takes nothing more."""
    study.set_user_attr(f"{RUN}:{run.trial}:{run.index}", asdict(run))


def runs(study: optuna.Study) -> list[Run]:
    """All runs of `nas verify`."""
    said = {k: value for k, value in study.user_attrs.items() if k.startswith(f"{RUN}:")}
    try:
        return [
            Run(**{**v, "accuracies": tuple(map(float, v["accuracies"]))}) for v in said.values()
        ]
    except (TypeError, ValueError, KeyError) as error:
        raise StudyError(
            f"a run of `nas verify` in the study cannot be read ({error}): restore the study"
        ) from error


def has_failed(trial: FrozenTrial) -> bool:
    """Whether the candidate of an ended trial is not to be tried again: its training broke off, or
    it has been given up."""
    failed = trial.user_attrs.get("state") == State.FAILED.value
    return failed or (trial.state is TrialState.FAIL and _given_up(trial))


def outcome(trial: FrozenTrial) -> tuple[State, str]:
    """What became of the draw `trial`, and why."""
    reason = trial.user_attrs.get("reason", "")
    match trial.state:
        case TrialState.COMPLETE:
            return State.TRAINED, reason
        case TrialState.RUNNING:
            return State.RUNNING, reason
        case TrialState.FAIL if "state" not in trial.user_attrs:  # Optuna's heartbeat stopped
            silent = "its worker was silent"
            if _given_up(trial):
                return State.FAILED, f"{silent}; {_attempts(trial)}"
            return State.INTERRUPTED, silent
    return State(trial.user_attrs["state"]), reason


def _aware(moment: datetime | None) -> datetime | None:
    """Optuna tells local time, without saying so."""
    return moment.astimezone(UTC) if moment else None


def give_back(study: optuna.Study, trial: FrozenTrial, reason: str) -> None:
    """End the RUNNING `trial` of a worker that is gone, and queue its candidate again.

    If others do so at the same time, one of them does. A candidate that has taken `MAX_RETRIES`
    workers with it is not tried again.
    """
    state = State.INTERRUPTED
    if _given_up(trial):
        state, reason = State.FAILED, f"{reason}; {_attempts(trial)}"
    # A trial of another process can only be written through the storage.
    storage = study._storage
    try:
        storage.set_trial_user_attr(trial._trial_id, "state", state.value)
        storage.set_trial_user_attr(trial._trial_id, "reason", reason)
        storage.set_trial_state_values(trial._trial_id, TrialState.FAIL)
    except optuna.exceptions.UpdateFinishedTrialError:
        return  # it ended after all, or another was quicker
    try_again(study, trial)


def try_again(study: optuna.Study, trial: FrozenTrial) -> None:
    """Queue the candidate of a failed `trial` again, unless it was tried too often."""
    if "hash" not in trial.user_attrs:
        _put_back(study, trial)
    elif not _given_up(trial):
        kept = {k: v for k, v in trial.user_attrs.items() if k in PASSED_ON}
        again = {"retries": trial.user_attrs.get("retries", 0) + 1, "retry_of": trial.number}
        study.enqueue_trial(trial.params, user_attrs={**kept, **again})


def withdraw(study: optuna.Study, trial: FrozenTrial) -> None:
    """End a trial that was one too many. What it took from the queue goes back there."""
    study._storage.set_trial_user_attr(trial._trial_id, "state", WITHDRAWN)
    study._storage.set_trial_state_values(trial._trial_id, TrialState.FAIL)
    _put_back(study, trial)


def is_withdrawn(trial: FrozenTrial) -> bool:
    """Whether `trial` was one too many."""
    return trial.user_attrs.get("state") == WITHDRAWN


def _put_back(study: optuna.Study, trial: FrozenTrial) -> None:
    """Queue again what a trial that has not been sampled was taken from the queue with."""
    if QUEUE in trial.system_attrs:
        kept = {k: v for k, v in trial.user_attrs.items() if k not in _OWN}
        study.enqueue_trial(trial.system_attrs[QUEUE], user_attrs=kept)


def _given_up(trial: FrozenTrial) -> bool:
    return "hash" in trial.user_attrs and trial.user_attrs.get("retries", 0) >= MAX_RETRIES


def _attempts(trial: FrozenTrial) -> str:
    return f"given up after {trial.user_attrs.get('retries', 0) + 1} attempts"
