"""Parameters made from others."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from nas.sampling.mutation import Draft

distributions = st.one_of(
    st.builds(
        lambda low, wide: IntDistribution(low, low + wide), st.integers(-5, 5), st.integers(0, 9)
    ),
    st.builds(
        lambda low, wide: IntDistribution(low, low + wide, log=True),
        st.integers(1, 5),
        st.integers(0, 60),
    ),
    st.builds(
        lambda low, n: IntDistribution(low, low + 3 * n, step=3),
        st.integers(0, 5),
        st.integers(0, 5),
    ),
    st.builds(
        lambda low, wide: FloatDistribution(low, low + wide), st.floats(-5, 5), st.floats(0, 9)
    ),
    st.builds(
        lambda low, wide: FloatDistribution(low, low * wide, log=True),
        st.floats(0.01, 5),
        st.floats(1, 9),
    ),
    st.builds(lambda n: FloatDistribution(0.02, 0.02 * n, step=0.02), st.integers(1, 10)),
    st.builds(
        CategoricalDistribution,
        st.lists(st.sampled_from([True, 3, "a", "b"]), min_size=1, unique=True),
    ),
)


@given(distributions, st.integers(0, 99), st.sampled_from([0.0, 1.0]))
def test_a_draft_has_only_values_of_the_distribution(
    distribution: BaseDistribution, seed: int, rate: float
) -> None:
    rng = np.random.default_rng(seed)
    parent = {"x": Draft({}, 1.0, rng)._suggest("x", distribution)}
    for foreign in ({}, parent, {"x": "nothing like it"}, {"x": 1e9}):
        value = Draft(foreign, rate, rng)._suggest("x", distribution)
        assert distribution._contains(distribution.to_internal_repr(value))
    if rate == 0.0:
        assert Draft(parent, rate, rng)._suggest("x", distribution) == parent["x"]
    elif not distribution.single() and not isinstance(distribution, FloatDistribution):
        changed = [Draft(parent, rate, rng)._suggest("x", distribution) for _ in range(20)]
        assert any(value != parent["x"] for value in changed)


def test_a_draft_answers_the_same_question_the_same_way() -> None:
    draft = Draft({}, 1.0, np.random.default_rng(0))
    assert len({draft.suggest_int("x", 1, 1_000_000) for _ in range(5)}) == 1
    assert draft.params == {"x": draft.suggest_int("x", 1, 1_000_000)}
