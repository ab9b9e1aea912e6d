"""The sampler of our own: its children, and what it finds on a made-up task."""

from math import log

import numpy as np
import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nas import spaces
from nas.architecture import Architecture, Conv, DepthwiseConv, Limits, Task
from nas.errors import ArchitectureError, ConfigError
from nas.pruning import gate
from nas.records import Point, trials
from nas.sampling import evolution
from nas.sampling.evolution import EvolutionSampler, Seen, _front
from nas.sampling.features import features
from nas.sampling.samplers import SAMPLERS, sampler

TASK = Task((1, 28, 28), 10, Limits(3_000))
CONV = spaces.load("conv")


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10_000))
def test_children_keep_to_the_limits_and_are_new(seed: int) -> None:
    one = EvolutionSampler(seed, CONV, TASK)
    seen = []
    for draft, net in one._children([], 12, 1_000.0):
        seen.append(Seen(Point(net.params, 90.0), None, draft.params, features(net).vector()))
    assert 1 <= len(seen) <= 12
    children = one._children(seen, 24, 1_000.0)
    assert 1 <= len(children) <= 24  # few where no parent is near
    one._hashes = {0: children[0][1].hash, 1: children[-1][1].hash}
    new = [draft.params for draft, net in children if net.hash not in one._hashes.values()]
    assert one._first_new(children) == next(iter(new), {})
    assert one._first_new(children[:1]) == {}
    for draft, net in children:
        assert not gate.excess(net, TASK.limits)
        # The real trial that takes these values makes the same network.
        assert CONV.sample(optuna.trial.FixedTrial(draft.params), TASK).hash == net.hash


def test_children_are_like_their_parents() -> None:
    one = EvolutionSampler(0, CONV, TASK)
    ((draft, net),) = one._children([], 1, 1_000.0)
    parent = Seen(Point(net.params, 99.0), None, draft.params, features(net).vector())
    shares = []
    for child, _ in one._children([parent], 40, float(net.params)):
        same = sum(child.params[name] == draft.params.get(name) for name in child.params)
        shares.append(same / len(child.params))
    # Three in ten are random: they keep to other limits of the budget, and to no parent.
    assert sum(share >= 0.7 for share in shares) >= 20
    assert min(shares) < 0.7


@pytest.mark.parametrize("size", [150.5, 700.5, 2_800.5])
def test_children_are_of_the_size_that_is_looked_for(
    size: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = EvolutionSampler(0, CONV, TASK)
    near = one._children([], 48, size)
    assert near
    assert all(1 / 1.51 < net.params / size < 1.51 for _, net in near)
    monkeypatch.setattr(evolution, "NEAR", 0.0)
    anywhere = one._children([], 48, size)
    assert len(anywhere) > len(near), "none is near: others are better than none"


def test_the_sizes_it_looks_at_are_spread_over_the_budget() -> None:
    one = EvolutionSampler(0, CONV, Task((1, 28, 28), 10, Limits(8_000, min_params=500)))
    sizes = [one._size() for _ in range(2_000)]
    assert 500 <= min(sizes) < 520
    assert 7_800 < max(sizes) <= 8_000
    assert sum(size < 2_000 for size in sizes) / 2_000 == pytest.approx(0.5, abs=0.05)


def test_of_the_front_those_near_the_size_are_parents() -> None:
    one = EvolutionSampler(0, CONV, TASK)
    front = [Seen(Point(100 * 2**i, 90.0 + i), None, {}, []) for i in range(5)]
    assert {one._parent(front, 110.0).first.params for _ in range(40)} == {100, 200}
    assert {one._parent(front, 9_000.0).first.params for _ in range(40)} == {800, 1_600}


def quality(net: Architecture) -> float:
    """A made-up accuracy: layers and parameters help, depthwise ones and narrow ones do not."""
    convs = [layer for layer in net.layers if isinstance(layer, Conv | DepthwiseConv)]
    narrow = min((layer.width for layer in convs if isinstance(layer, Conv)), default=1)
    depthwise = sum(isinstance(layer, DepthwiseConv) for layer in convs)
    error = 60 * net.params**-0.35 * (1 + depthwise) / (1 + len(convs)) / (1 + log(narrow))
    return 100 - min(90.0, error)


def searched(name: str, seed: int, count: int) -> list[tuple[int, float]]:
    """Sizes and accuracies of `count` candidates that keep to the budget."""
    study = optuna.create_study(
        directions=["maximize", "minimize"], sampler=sampler(name, seed, CONV, TASK)
    )
    found: list[tuple[int, float]] = []
    while len(found) < count:
        trial = study.ask()
        try:
            net = CONV.sample(trial, TASK)
        except ArchitectureError:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            continue
        trials.set_architecture(trial, net)
        if gate.excess(net, TASK.limits):
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            continue
        found.append((net.params, quality(net)))
        trials.set_attributes(trial, {trials.rung(1): found[-1][1]})
        study.tell(trial, [found[-1][1], net.params])
    return found


@pytest.mark.extended
def test_it_finds_better_networks_than_chance() -> None:
    """In the mean over sizes and seeds: single searches differ by more than samplers do."""

    def error(name: str, seed: int) -> float:
        found = searched(name, seed, 60)
        best = [max(a for p, a in found if p <= size) for size in np.geomspace(400, 3_000, 8)]
        return float(np.mean(np.log(100 - np.array(best))))

    def mean(name: str) -> float:
        return float(np.mean([error(name, seed) for seed in range(4)]))

    assert mean("evolution") < mean("random") - 0.05


def test_it_learns_from_what_was_stopped_and_not_from_what_failed() -> None:
    study = optuna.create_study(directions=["maximize", "minimize"])
    one = EvolutionSampler(0, CONV, TASK)
    for accuracy, state in ((91.0, "PRUNED"), (92.0, "FAIL"), (None, "PRUNED")):
        trial = study.ask()
        ((draft, net),) = one._children([], 1, 1_000.0)
        del draft
        trials.set_architecture(trial, net)
        if accuracy:
            trials.set_attributes(trial, {trials.rung(1): accuracy})
        study.tell(trial, state=optuna.trial.TrialState[state])
    one._look(study)
    assert [seen.first.accuracy for seen in one._seen.values()] == [91.0]
    assert len(one._hashes) == 3, "none of the three is proposed again"


def seen(params: int, first: float, last: float | None) -> Seen:
    return Seen(Point(params, first), None if last is None else Point(params, last), {}, [])


def test_the_end_counts_as_soon_as_ten_have_come_to_it() -> None:
    """A fast beginner is on the front of the first rung, and not on that of the end."""
    fast, slow, stopped = seen(100, 95.0, 97.0), seen(90, 90.0, 98.0), seen(50, 80.0, None)
    few = [stopped, fast, slow, *(seen(1_000, 50.0, 60.0) for _ in range(7))]
    assert _front(few) == [(stopped.first, stopped), (slow.first, slow), (fast.first, fast)]
    assert _front([*few, seen(1_000, 50.0, 60.0)]) == [(slow.last, slow)]


def test_a_candidate_is_seen_again_when_it_ends() -> None:
    study = optuna.create_study(directions=["maximize", "minimize"])
    one = EvolutionSampler(0, CONV, TASK)
    running = []
    for accuracy in (91.0, 92.0):
        trial = study.ask()
        ((_, net),) = one._children([], 1, 1_000.0)
        trials.set_architecture(trial, net)
        trials.set_attributes(trial, {trials.rung(1): accuracy})
        running.append(trial)
    one._look(study)
    assert [(s.first.accuracy, s.last) for s in one._seen.values()] == [(91.0, None), (92.0, None)]
    study.tell(running[0], [97.5, 1_000])
    study.tell(running[1], state=optuna.trial.TrialState.FAIL)
    one._look(study)
    ((number, ended),) = one._seen.items()
    assert (number, ended.first.accuracy) == (0, 91.0)
    assert ended.last == Point(ended.first.params, 97.5)


def test_sizes_are_logarithms_for_the_model() -> None:
    net = CONV.sample(optuna.trial.FixedTrial(dict(CONV.start(TASK)[0])), TASK)
    found = features(net)
    assert found.vector()[0] == pytest.approx(log(net.params))
    assert found.vector()[4] == found.depth


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_sampler_repeats_its_draws_under_the_same_seed(name: str) -> None:
    first = searched(name, 0, 12)
    assert len({params for params, _ in first}) > 6
    assert searched(name, 0, 12) == first != searched(name, 1, 12)


def test_an_unknown_sampler_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="unknown sampler 'cmaes': known are evolution, tpe"):
        sampler("cmaes", 0, CONV, TASK)
