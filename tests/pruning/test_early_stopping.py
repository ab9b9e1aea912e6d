"""The rules on made-up rungs, and the judge in a real search."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.errors import ConfigError
from nas.pruning.early_stopping import (
    RULES,
    Asha,
    MoAsha,
    NearFront,
    Neighbours,
    NoStopping,
    out_of_reach,
    rule,
    rungs,
)
from nas.records import Point

points = st.builds(Point, st.integers(50, 20_000), st.floats(5, 100))
SMALL = [Point(500 + i, 80 + i) for i in range(8)]  # 80 to 87 %
LARGE = [Point(9_000 + i, 98 + i / 10) for i in range(8)]  # 98.0 to 98.7 %


def test_a_candidate_is_compared_with_those_of_its_size() -> None:
    """Among all, every small net would be behind every large one."""
    good_for_its_size, bad_for_its_size = Point(504, 89), Point(9_004, 97)
    one = Neighbours()
    assert one.stops(good_for_its_size, SMALL + LARGE) == ""
    assert one.stops(bad_for_its_size, SMALL + LARGE) == (
        "rank 9 of 9 of similar size (9,000 to 9,007 parameters), of which 3 continue"
    )
    assert Asha().stops(good_for_its_size, SMALL + LARGE)
    assert Asha(keep=0.6).stops(bad_for_its_size, SMALL + LARGE) == ""


def test_the_share_of_neighbours_that_go_on_is_the_share_asked_for() -> None:
    for keep, room in ((1 / 3, 2), (0.5, 4), (0.1, 1), (1.0, 8)):
        one = Neighbours(keep)
        going = [p for p in SMALL if not one.stops(p, [o for o in SMALL if o is not p])]
        assert len(going) == room


def test_with_few_others_a_candidate_goes_on() -> None:
    worst = Point(504, 10)
    assert Neighbours(min_others=4).stops(worst, SMALL[:3]) == ""
    assert Neighbours(min_others=4).stops(worst, SMALL[:4])
    assert NearFront(min_others=4).stops(Point(600, 10), SMALL[:3]) == ""
    assert NearFront(min_others=4).stops(Point(600, 10), SMALL[:4])


def test_near_front_compares_with_the_best_that_is_no_larger() -> None:
    one = NearFront(factor=1.5)
    assert one.stops(Point(499, 80), SMALL) == "", "nothing is smaller, and 507 is as good as it"
    assert one.stops(Point(600, 80.6), SMALL) == "", "19.4 is not 1.5 times 13"
    assert one.stops(Point(600, 80.4), SMALL) == (
        "its error is more than 1.5 times the 13.00 % of a net with 507 parameters"
    )


def test_near_front_stops_a_tiny_net_that_is_far_from_what_a_larger_one_would_be() -> None:
    """Halved, a net may have four times the error; a useless one is not saved by being small."""
    one = NearFront(factor=1.0)
    assert one.stops(Point(4_500, 95.0), LARGE) == "", "5 % against 1.3 % of 9,007, doubled twice"
    assert one.stops(Point(4_500, 94.5), LARGE)
    assert one.stops(Point(2_250, 75.0), LARGE) == (
        "its error is more than 1 times the 1.30 % of a net with 9,007 parameters, which is "
        "20.83 % at this size"
    )
    assert one.stops(Point(4_500, 97.9), LARGE) == ""


def test_mo_asha_keeps_what_nothing_dominates() -> None:
    staircase = [Point(100 * 2**i, 90 + i) for i in range(4)]
    crowd = [Point(3_000 + i, 85.0 - i) for i in range(8)]
    for one in staircase:
        assert MoAsha().stops(one, [p for p in staircase + crowd if p is not one]) == ""
    for one in crowd[1:]:
        assert MoAsha().stops(one, [p for p in staircase + crowd if p is not one])


@given(points, st.lists(points, max_size=30), st.randoms(use_true_random=False))
def test_no_rule_depends_on_the_order_of_the_others(
    one: Point, others: list[Point], rng: random.Random
) -> None:
    distinct = list({(p.params): p for p in others if p.params != one.params}.values())
    shuffled = rng.sample(distinct, len(distinct))
    for make in (Asha, NearFront, NoStopping, MoAsha):
        assert bool(make().stops(one, distinct)) == bool(make().stops(one, shuffled))


@given(st.lists(points, min_size=1, max_size=30))
def test_the_best_of_all_is_never_stopped(others: list[Point]) -> None:
    best = Point(min(p.params for p in others), 100.0)
    for make in RULES.values():
        assert make().stops(best, others) == ""


def test_what_cannot_come_to_the_target_is_out_of_reach() -> None:
    """The largest gain of five: from 10 % error to 4 %."""
    finished = [(Point(500, 90.0), end) for end in (92.0, 93.0, 94.0, 95.0, 96.0)]
    assert out_of_reach(Point(700, 95.0), finished, 98) == ""
    assert out_of_reach(Point(700, 94.0), finished, 98) == (
        "it would reach 97.60 % with the largest gain so far, less than 98 %"
    )
    assert out_of_reach(Point(700, 50.0), finished[:4], 98) == "", "four say too little"


def test_rungs_are_where_restarts_have_annealed() -> None:
    from nas.training import Recipe

    for epochs in range(1, 16):
        ends = [sum(Recipe(epochs=epochs, schedule="restarts").cycles[: i + 1]) for i in range(3)]
        assert all(rung in ends and rung < epochs for rung in rungs(epochs))
    assert rungs(15) == (1, 4)


def test_an_unknown_rule_lists_the_known_ones() -> None:
    with pytest.raises(
        ConfigError, match="unknown early stopping 'median': known are front, neighbours"
    ):
        rule("median")
