"""What the sampler's model foresees."""

import numpy as np

from nas.sampling.predictor import Example, Predictor


def test_it_foresees_the_end_if_there_is_one_to_learn_from() -> None:
    """One feature decides the first rung, the other the end; half of the examples were stopped."""
    rng = np.random.default_rng(0)
    table = rng.random((200, 2))
    early, late = table[:, 0], table[:, 1]
    examples = [
        Example(list(row), float(row[0]), float(row[1]) if row[0] < 0.5 else None) for row in table
    ]
    asked = [list(row) for row in table]
    first, last = Predictor(examples, False, 0), Predictor(examples, True, 0)
    assert not first.late
    assert last.late
    assert np.corrcoef(first.predict(asked, rng), early)[0, 1] > 0.9
    assert np.corrcoef(last.predict(asked, rng), late)[0, 1] > 0.9


def test_what_is_not_known_of_the_end_follows_from_the_first_rung() -> None:
    """The end is twice the first rung, and only one feature value has been seen to come to it."""
    rng = np.random.default_rng(0)
    firsts = rng.random(200)
    examples = [
        Example([float(first > 0.5)], float(first), 2 * float(first) if first > 0.5 else None)
        for first in firsts
    ]
    told = Predictor(examples, True, 0).predict([[0.0], [1.0]], rng)
    assert told[0] < told[1]


def test_few_trees_are_asked_so_that_it_does_not_always_say_the_same() -> None:
    rng = np.random.default_rng(0)
    examples = [Example([float(x)], float(rng.normal()), None) for x in range(50)]
    model = Predictor(examples, False, 0)
    answers = {float(model.predict([[10.0]], rng)[0]) for _ in range(5)}
    assert len(answers) > 1
