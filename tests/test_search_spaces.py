"""What holds for every built-in space, and the counts of the hand-made nets."""

import json
import re
from itertools import pairwise

import optuna
import pytest

from nas import spaces
from nas.architecture import Architecture, Limits, Task
from nas.architecture.module import build
from nas.errors import ArchitectureError
from search_spaces import conv, seeds

SPACES = list(spaces.built_in())


def task_of(budget: int) -> Task:
    return Task((1, 28, 28), 10, Limits(budget))


def draws(name: str, task: Task, count: int) -> list[tuple[dict[str, object], Architecture]]:
    """Random draws that exist, with the parameters they came from."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    made = []
    for _ in range(count):
        trial = study.ask()
        try:
            made.append((trial, spaces.load(name).sample(trial, task)))
        except ArchitectureError:
            continue
    return [(dict(trial.params), architecture) for trial, architecture in made]


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("budget", [1_000, 8_000, 20_000])
def test_a_space_keeps_its_promises(name: str, budget: int) -> None:
    task = task_of(budget)
    loaded = spaces.load(name)
    made = draws(name, task, 150)
    assert made
    assert loaded.summary
    assert loaded.smallest is not None
    smallest = loaded.smallest(task)
    for params, architecture in made:
        assert architecture.out_shape == (10,)
        assert smallest.params <= architecture.params
        # The same parameters give the same network: what a retry and an old study rest on.
        again = loaded.sample(optuna.trial.FixedTrial(params), task)
        assert again == architecture
        json.dumps(params)
    for _, architecture in made[:5]:
        if architecture.params < 10**6:
            model = build(architecture)
            assert sum(p.numel() for p in model.parameters()) == architecture.params


def test_the_conv_space_reaches_all_that_it_offers() -> None:
    made = draws("conv", task_of(8_000), 400)
    seen = {(name, value) for params, _ in made for name, value in params.items()}
    for name, values in {
        "blocks": [1, 2, 3, 4],
        "norm": [True, False],
        "activation": ["relu", "silu"],
        "dropout": ["none", "values", "channels"],
        "head": ["conv-gap", "gap-linear", "full-conv", "linear"],
        "block1.convs": [1, 2, 3],
        "block1.type": ["plain", "separable"],
        "block1.kernel": [3, 5],
        "block1.padding": ["same", "valid"],
        "block1.down": ["max", "avg", "stride", "none"],
        "block1.down_behind": ["first", "last"],
        "block1.transition": [True, False],
        "shared": [True, False],
        "block1.shared": list(conv.SHARED),
    }.items():
        assert {(name, value) for value in values} <= seen
    widths = {value for name, value in seen if ".width" in name}
    low, high = conv.widths(task_of(8_000))
    assert {low, high} <= widths
    assert all(low <= value <= high for value in widths)


def test_no_width_is_drawn_that_the_summary_does_not_show() -> None:
    """A readable parameter: block2.width1 is the width that stands in the network."""
    for params, architecture in draws("conv", task_of(8_000), 60):
        shown = re.findall(r"\d+", architecture.summary().partition(",")[0])
        for name, value in params.items():
            if "width" in name:
                assert str(value) in shown


@pytest.mark.parametrize(
    ("name", "params", "statistics"),
    [
        ("000-model1", 15_650, 0),
        ("000-model2", 14_960, 0),
        ("001-model1", 6_379_786, 0),
        ("001-model2", 702_778, 0),
        ("001-model3", 47_834, 0),
        ("001-model5", 10_706, 0),
        ("001-model7", 10_814, 108),
        ("002", 10_540, 200),
        ("003-step1", 40_202, 0),
        ("003-step2", 8_582, 140),
        ("003-step3", 8_442, 0),
        ("004", 19_712, 288),
    ],
)
def test_the_hand_made_nets_have_their_counts(name: str, params: int, statistics: int) -> None:
    net = seeds.net(name, task_of(20_000))
    assert (net.params, net.statistics) == (params, statistics)
    assert sum(p.numel() for p in build(net).parameters()) == params


def test_every_hand_made_net_is_tried_first() -> None:
    start = spaces.load("seeds").start(task_of(20_000))
    assert [params["net"] for params in start] == list(seeds.NETS)


@pytest.mark.parametrize("budget", [43, 300, 1_000, 2_000, 4_000, 8_000, 20_000, 100_000])
def test_the_conv_space_starts_with_sound_designs_of_falling_size(budget: int) -> None:
    task = task_of(budget)
    loaded = spaces.load("conv")
    designs = [
        loaded.sample(optuna.trial.FixedTrial(dict(params)), task) for params in loaded.start(task)
    ]
    sizes = [design.params for design in designs]
    assert sizes == sorted(set(sizes), reverse=True)
    shared = [design.params for design in designs if "=" in design.summary()]
    own = [size for size in sizes if size not in shared]
    limits = [budget / share for share in (1, 2, 4, 8)]
    small = [limit for limit in limits if limit <= conv.SHARED_UP_TO]
    for ordered, at_most in ((own, limits[:1] + limits), (shared, small)):
        assert len(ordered) <= len(at_most)
        for size, limit in zip(ordered, at_most, strict=False):
            assert size <= limit
    assert bool(shared) == (300 <= budget <= 8 * conv.SHARED_UP_TO)
    if budget >= 1_000:
        assert sizes[0] > budget / 2


@pytest.mark.parametrize(
    ("least", "budget"), [(400, 1_000), (1_500, 4_000), (3_000, 8_000), (7_000, 8_000)]
)
def test_where_small_networks_are_of_no_interest_no_design_is_small(
    least: int, budget: int
) -> None:
    wide = conv.start(task_of(budget))
    task = Task((1, 28, 28), 10, Limits(budget, min_params=least))
    sizes = [
        conv.sample(optuna.trial.FixedTrial(dict(params)), task).params
        for params in conv.start(task)
    ]
    assert conv.start(task)[0] == wide[0], "the largest design is the same"
    assert sizes == sorted(set(sizes), reverse=True)
    assert least <= sizes[-1] < 1.3 * least
    assert max(a / b for a, b in pairwise(sizes)) < 1.4, "no gap in between"


def test_a_start_uses_only_parameters_that_are_asked_for() -> None:
    """A queued name that the space never asks for would be ignored without a word."""
    for name in SPACES:
        task = task_of(8_000)
        for params in spaces.load(name).start(task):
            study = optuna.create_study()
            study.enqueue_trial(dict(params))
            trial = study.ask()
            spaces.load(name).sample(trial, task)
            asked = {key: value for key, value in params.items() if not key.endswith("down_behind")}
            assert asked.items() <= trial.params.items()
