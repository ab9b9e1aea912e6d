"""The ledger against a plain look at all trials."""

import optuna
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.trial import TrialState

from nas.records import Point, State, trials
from nas.records.ledger import EXHAUSTED_AFTER, Ledger, TrialUpdates

ENDS = [State.TRAINED, State.STOPPED, State.DUPLICATE, State.FAILED, State.INTERRUPTED]


def end(study: optuna.Study, trial: optuna.Trial, state: State) -> None:
    if state is State.TRAINED:
        study.tell(trial, [99.0, 500])
        return
    trials.set_attributes(trial, {"state": state.value})
    failed = state in (State.FAILED, State.INTERRUPTED)
    study.tell(trial, state=TrialState.FAIL if failed else TrialState.PRUNED)


def begin(study: optuna.Study, architecture_hash: str, accuracy: float) -> optuna.Trial:
    trial = study.ask()
    own = {"hash": architecture_hash, "params": 500, trials.rung(1): accuracy}
    trials.set_attributes(trial, own)
    return trial


steps = st.tuples(st.integers(0, 3), st.sampled_from(ENDS), st.booleans(), st.booleans())


@settings(deadline=None, max_examples=40)
@given(st.lists(steps, max_size=25))
def test_it_knows_what_a_look_at_all_trials_would_say(
    moves: list[tuple[int, State, bool, bool]],
) -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(directions=["maximize", "minimize"])
    ledger, running = Ledger(study), []
    for number, (name, state, ends, looks) in enumerate(moves):
        running.append(begin(study, f"net {name}", 90.0 + number))
        if ends:  # the oldest: trials end in another order than they began
            end(study, running.pop(0), state)
        if not looks:
            continue
        ledger.update()
        everything = study.get_trials()
        assert ledger.drawn == len(everything)
        assert ledger.running == len(running)
        assert ledger.trained == sum(map(trials.counts, everything))
        had = [
            t.number
            for t in everything
            if t.user_attrs["hash"] == "net 0"
            and (
                t.state is TrialState.RUNNING
                or trials.counts(t)
                or t.user_attrs.get("state") == State.FAILED.value
            )
        ]
        assert (ledger.twin(10**9, "net 0") in had) if had else ledger.twin(10**9, "net 0") is None
        rung = sorted(p.accuracy for p, _ in ledger.at_rung(trials.rung(1), but=-1))
        assert rung == [
            t.user_attrs[trials.rung(1)] for t in everything if t.state is not TrialState.FAIL
        ]


def test_queued_trials_are_not_drawn_yet() -> None:
    study = optuna.create_study(directions=["maximize", "minimize"])
    study.enqueue_trial({})
    ledger = Ledger(study)
    ledger.update()
    assert (ledger.drawn, ledger.running) == (0, 0)
    study.ask()
    ledger.update()
    assert (ledger.drawn, ledger.running) == (1, 1)


def test_a_candidate_is_not_its_own_twin_nor_its_own_neighbour() -> None:
    study = optuna.create_study(directions=["maximize", "minimize"])
    ledger, one = Ledger(study), begin(study, "net", 95.0)
    ledger.update()
    assert ledger.twin(one.number, "net") is None
    assert ledger.at_rung(trials.rung(1), but=one.number) == []
    assert ledger.at_rung(trials.rung(1), but=-1) == [(Point(500, 95.0), None)]
    end(study, one, State.TRAINED)
    ledger.update()
    assert ledger.at_rung(trials.rung(1), but=-1) == [(Point(500, 95.0), 99.0)]


def test_only_duplicates_in_a_row_exhaust_a_space() -> None:
    study = optuna.create_study(directions=["maximize", "minimize"])
    ledger = Ledger(study)
    for count in range(EXHAUSTED_AFTER + 10):
        end(study, begin(study, "net", 1.0), State.STOPPED if count == 9 else State.DUPLICATE)
        ledger.update()
        assert ledger.exhausted == (count >= EXHAUSTED_AFTER + 9)


def test_what_has_ended_is_told_once() -> None:
    study = optuna.create_study(directions=["maximize", "minimize"])
    updates = TrialUpdates()
    first, second = begin(study, "a", 1.0), begin(study, "b", 1.0)
    assert [t.number for t in updates.poll(study)] == [0, 1]
    end(study, second, State.TRAINED)
    assert [t.number for t in updates.poll(study)] == [0, 1]
    begin(study, "c", 1.0)
    assert [t.number for t in updates.poll(study)] == [0, 2]
    end(study, first, State.STOPPED)
    assert [t.number for t in updates.poll(study)] == [0, 2]
    assert [t.number for t in updates.poll(study)] == [2]
