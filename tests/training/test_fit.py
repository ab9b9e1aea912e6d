"""Training on the real embedded digits."""

from dataclasses import replace

import pytest
import torch
from safetensors.torch import save
from torch import Tensor

from nas.architecture import (
    Architecture,
    BatchNorm,
    Conv,
    Dropout,
    Flatten,
    GlobalAvgPool,
    Linear,
    MaxPool,
    ReLU,
)
from nas.architecture.module import build
from nas.data.images import Images, Split
from nas.errors import DeviceError
from nas.training import Epoch, Recipe, device, engines
from nas.training.arithmetic import Arithmetic
from nas.training.average import Average
from nas.training.engines import Eager
from nas.training.fit import TrainingError, fit
from nas.training.step import evaluate

NET = Architecture(
    (1, 28, 28),
    (
        Conv(6, stride=2, bias=False),
        BatchNorm(),
        ReLU(),
        Dropout(0.1),
        Conv(12, bias=False),
        BatchNorm(),
        ReLU(),
        MaxPool(),
        Conv(10, 1),
        GlobalAvgPool(),
        Flatten(),
    ),
)
QUICK = Recipe(epochs=4, batch_size=16)
PLAIN = Arithmetic("float32")


def test_it_learns(digits: Split) -> None:
    trained = fit(NET, digits, QUICK, seed=1)
    assert trained.accuracy > 40  # chance is 10
    assert [epoch.number for epoch in trained.curve] == [1, 2, 3, 4]
    assert trained.curve[-1].train_loss < trained.curve[0].train_loss
    assert all(epoch.seconds > 0 for epoch in trained.curve)


def test_the_weights_are_those_that_were_measured(digits: Split) -> None:
    trained = fit(NET, digits, QUICK, seed=1, arithmetic=PLAIN)
    model = build(NET)
    model.load_state_dict(trained.weights)
    loss, accuracy = evaluate(model, digits.held_out, digits.normalizer, PLAIN)
    assert accuracy == trained.accuracy
    assert loss == pytest.approx(trained.curve[-1].loss, rel=1e-5)


def test_shared_weights_stay_shared_and_are_averaged_once(digits: Split) -> None:
    body = (*NET.layers[4:7], Conv(12, bias=False), BatchNorm(), ReLU())
    again = (Conv(12, bias=False, shared=True), BatchNorm(), ReLU(), MaxPool())
    net = replace(NET, layers=(*NET.layers[:4], *body, *again, *NET.layers[8:]))
    trained = fit(net, digits, replace(QUICK, epochs=1), seed=1)
    names = [name for name, value in trained.weights.items() if value.shape == (12, 12, 3, 3)]
    first, second = (trained.weights[name] for name in names)
    assert torch.equal(first, second)
    save(trained.weights)  # refuses two names for one tensor

    model = build(net)
    average = Average(model)
    with torch.no_grad():
        for value in model.parameters():
            value += 1
    before = [value.clone() for value in average.network.parameters()]
    average.step(0.25)
    for value, was in zip(average.network.parameters(), before, strict=True):
        torch.testing.assert_close(value, was + 0.25)


def test_the_same_seed_gives_the_same_network_and_another_another(digits: Split) -> None:
    recipe = replace(QUICK, epochs=1)
    first, again, other = (fit(NET, digits, recipe, seed) for seed in (1, 1, 2))
    assert [replace(e, seconds=0) for e in first.curve] == [
        replace(e, seconds=0) for e in again.curve
    ]
    assert all(torch.equal(first.weights[name], again.weights[name]) for name in first.weights)
    assert first.curve[0].train_loss != other.curve[0].train_loss


def test_the_callers_random_state_is_left_alone(digits: Split) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    fit(NET, digits, replace(QUICK, epochs=1), seed=1)
    assert torch.equal(torch.rand(3), expected)


def test_each_epoch_is_told_when_it_ends(digits: Split) -> None:
    told: list[Epoch] = []
    trained = fit(NET, digits, replace(QUICK, epochs=2), 1, told.append)
    assert tuple(told) == trained.curve


def test_an_image_is_used_at_most_once_an_epoch(
    digits: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Images that do not fill a batch are left out of the epoch."""
    seen: list[Tensor] = []

    def step(*given: object) -> tuple[Tensor, Tensor]:
        images, labels = given[2:4]
        assert isinstance(images, Tensor)
        assert isinstance(labels, Tensor)
        assert len(images) == len(labels) == 100
        seen.append(labels)
        return torch.tensor(1.0), torch.tensor(0)

    monkeypatch.setattr(engines, "train_step", step)
    numbered = Images(digits.train.pixels, torch.arange(len(digits.train)))
    Eager(
        build(NET), replace(digits, train=numbered), replace(QUICK, batch_size=100), 0, PLAIN
    ).train_epoch()
    assert sum(map(len, seen)) == 1_200 == len(torch.cat(seen).unique())


@pytest.mark.parametrize(("normed", "factor"), [(True, 1.0), (False, 0.3)])
def test_the_learning_rate_is_that_of_networks_with_or_without_batch_norm(
    digits: Split, normed: bool, factor: float
) -> None:
    layers = tuple(layer for layer in NET.layers if normed or not isinstance(layer, BatchNorm))
    net, recipe = replace(NET, layers=layers), Recipe(epochs=1, batch_size=50)
    found = fit(net, digits, replace(recipe, lr_without_norm=0.3), seed=1)
    same = fit(net, digits, replace(recipe, lr=factor * recipe.lr, lr_without_norm=1.0), seed=1)
    assert all(torch.equal(found.weights[name], same.weights[name]) for name in same.weights)


def test_a_batch_larger_than_the_set_is_the_set(digits: Split) -> None:
    trained = fit(NET, digits, Recipe(epochs=1, batch_size=5_000), seed=1)
    assert len(trained.curve) == 1


def test_a_loss_that_is_not_a_number_ends_the_candidate(digits: Split) -> None:
    wide = Architecture((1, 28, 28), (Flatten(), *[Linear(50)] * 20, Linear(10)))
    with pytest.raises(TrainingError, match="the loss is not a finite number in epoch 1"):
        fit(wide, digits, Recipe(epochs=3, lr=100, batch_size=16, warmup=0), seed=1)


def test_memory_that_runs_out_ends_the_candidate(digits: Split) -> None:
    """65,536 x 51,380,224 float32 weights are 13 TB, more than any machine has."""
    huge = Architecture((1, 28, 28), (Conv(65_536), Flatten(), Linear(65_536)))
    with pytest.raises(TrainingError, match="out of memory"):
        fit(huge, digits, QUICK, seed=1)


def test_bfloat16_learns_too(digits: Split) -> None:
    trained = fit(NET, digits, replace(QUICK, precision="bfloat16"), seed=1)
    assert trained.accuracy > 40
    assert all(value.dtype != torch.bfloat16 for value in trained.weights.values())


@pytest.mark.parametrize("name", ["gpu", "cuda:x", "cpu:0", "", "CPU"])
def test_an_unknown_device_lists_the_known_ones(name: str) -> None:
    with pytest.raises(DeviceError, match="known are auto, cpu, cuda, mps, cuda:N"):
        device.resolve(name)


def test_a_device_that_is_not_there_says_which_is() -> None:
    missing = next(name for name in ("mps", "cuda") if name not in device.available())
    with pytest.raises(DeviceError, match=f"--device {missing} is not on this machine: there is"):
        device.resolve(missing)
    assert device.resolve("auto").type == device.available()[0]
