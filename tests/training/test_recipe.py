"""The schedule, and the validation of a recipe."""

import pytest
import torch

from nas.errors import ConfigError
from nas.training import Recipe
from nas.training.fading import Fading


@pytest.mark.parametrize("epochs", range(1, 16))
@pytest.mark.parametrize("schedule", ["restarts", "one-cycle"])
def test_a_schedule_spends_exactly_its_epochs(epochs: int, schedule: str) -> None:
    recipe = Recipe(epochs=epochs, schedule=schedule)
    assert sum(recipe.cycles) == epochs
    assert min(recipe.cycles) >= 1
    assert len(recipe.learning_rates(7)) == 7 * epochs


def test_restarts_are_1_3_11_annealed_to_zero_at_each_end() -> None:
    recipe = Recipe(lr=0.02, schedule="restarts")
    assert recipe.cycles == (1, 3, 11)
    rates = recipe.learning_rates(100)
    for end in (100, 400, 1_500):
        assert rates[end - 1] == pytest.approx(0, abs=1e-12)
    assert max(rates) <= 0.02
    for start, end in ((0, 100), (100, 400), (400, 1_500)):
        cycle = rates[start:end]
        peak = cycle.index(max(cycle))
        assert max(cycle) == pytest.approx(0.02, rel=0.1)
        assert peak == pytest.approx(0.2 * len(cycle), abs=1)
        assert cycle[: peak + 1] == sorted(cycle[: peak + 1])
        assert cycle[peak:] == sorted(cycle[peak:], reverse=True)


def test_a_network_without_batch_norm_has_a_learning_rate_of_its_own() -> None:
    recipe = Recipe(lr=0.04, lr_without_norm=0.5)
    assert recipe.of_network(batch_norm=True).lr == 0.04
    bare = recipe.of_network(batch_norm=False)
    assert bare.lr == 0.02
    assert bare.of_network(batch_norm=False) == bare


def test_one_step_an_epoch_is_enough() -> None:
    assert len(Recipe().learning_rates(1)) == 15
    assert len(Recipe().averaging_rates(1)) == 15


def test_the_average_looks_back_over_its_epochs_and_at_first_over_less() -> None:
    rates = Recipe(average=1.5).averaging_rates(100)
    assert len(rates) == 1_500
    assert rates[0] == 0.9
    assert rates[99] == 9 / 109
    assert rates[1_300] > rates[1_350] == rates[-1] == 1 / 150
    assert rates == sorted(rates, reverse=True)
    assert set(Recipe(average=0.0).averaging_rates(2)) == {0.0}
    assert max(Recipe(average=0.001).averaging_rates(100)) == 1.0


def test_the_augmentation_fades_in_a_straight_line_and_is_gone_before_the_end() -> None:
    def strengths(fade: float, epochs: int, steps: int) -> list[float]:
        fading = Fading(fade, 0.0, epochs, steps, torch.device("cpu"))
        assert fading.strengths.shape == (epochs, steps)
        return fading.strengths.flatten().tolist()

    found = strengths(0.25, 10, 40)
    assert len(found) == 400
    assert found[:301] == [1.0] * 301
    assert found[340] == pytest.approx(0.5)
    assert found[300:] == sorted(found[300:], reverse=True)
    assert found[379] == pytest.approx(0.0125)
    assert found[380:] == [0.0] * 20
    assert strengths(1.0, 15, 1) == pytest.approx([max(0, (12 - s) / 12) for s in range(15)])
    assert strengths(0.0, 15, 2) == [1.0] * 30


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": 0}, "epochs = 0: must be a whole number from 1 to 15"),
        ({"epochs": 16}, "epochs = 16: must be a whole number from 1 to 15"),
        ({"epochs": True}, "epochs = True: must be a whole number"),
        ({"lr": "0.1"}, "lr = '0.1': must be a number"),
        ({"lr": float("nan")}, "lr = nan"),
        ({"lr_without_norm": 0}, "lr_without_norm = 0: must be a number from 0.001 to 10"),
        ({"schedule": "step"}, "unknown schedule 'step': known are restarts, one-cycle"),
        ({"average": -1}, "average = -1: must be a number from 0 to 15"),
        ({"batch_size": 1}, "batch_size = 1: must be a whole number from 2"),
        ({"flip": 1.5}, "flip = 1.5: must be a number from 0 to 1"),
        ({"fade": -0.1}, "fade = -0.1: must be a number from 0 to 1"),
        ({"fade_above": 101}, "fade_above = 101: must be a number from 0 to 100"),
    ],
)
def test_a_value_that_cannot_work_is_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        Recipe(**settings)  # type: ignore[arg-type]
    assert str(error.value).startswith(message)
