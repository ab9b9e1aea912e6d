"""The engines give the same results. Tests that need CUDA are skipped without it."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import replace
from statistics import fmean

import pytest
import torch
from torch import nn
from torch.optim.optimizer import register_optimizer_step_post_hook

from nas.architecture import (
    Architecture,
    BatchNorm,
    Conv,
    Dropout,
    Flatten,
    GlobalAvgPool,
    Layer,
    MaxPool,
    ReLU,
)
from nas.architecture.module import build
from nas.data.images import Images, Split
from nas.training import Recipe, engines, step
from nas.training.arithmetic import Arithmetic
from nas.training.engines import Captured, Eager, Engine, OnDevice
from nas.training.fading import Fading
from nas.training.fit import fit
from nas.training.step import evaluate

cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
PLAIN = Arithmetic("float32", "contiguous")
# A low learning rate, so that rounding errors stay small.
STILL = Recipe(epochs=3, batch_size=64, lr=0.005, rotation=0, shift=0, scale=0)
MOVED = Recipe(epochs=3, batch_size=64)
BOTH = pytest.mark.parametrize(
    "recipe", [STILL, replace(MOVED, lr=STILL.lr)], ids=["still", "moved"]
)


def net(*dropout: Layer, head: Sequence[Layer] = (Flatten(),)) -> Architecture:
    first = (Conv(6, stride=2, bias=False), BatchNorm(), ReLU(), *dropout)
    second = (Conv(12, bias=False), BatchNorm(), ReLU(), MaxPool())
    return Architecture((1, 28, 28), (*first, *second, Conv(10, 1), GlobalAvgPool(), *head))


def made(
    kind: Callable[..., Engine],
    data: Split,
    recipe: Recipe,
    *dropout: Layer,
    head: Sequence[Layer] = (Flatten(),),
) -> tuple[nn.Module, Engine]:
    torch.manual_seed(3)
    model = build(net(*dropout, head=head)).to(data.train.labels.device)
    return model, kind(model, data, recipe, 7, PLAIN)


def assert_near(found: tuple[float, float], wanted: tuple[float, float]) -> None:
    """Losses agree up to rounding, accuracies up to two of the 249 images."""
    assert found[0] == pytest.approx(wanted[0], rel=1e-3)
    assert found[1] == pytest.approx(wanted[1], abs=1)


@BOTH
def test_a_step_that_reads_nothing_from_the_host_trains_the_same_network(
    digits: Split, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Order, augmentation, learning rates, weight decay, sums and evaluation agree."""
    # Equal chunks draw equal random numbers; several chunks per epoch.
    monkeypatch.setattr(engines, "CHUNK", 256)
    monkeypatch.setattr(engines, "PIXELS_ON_DEVICE", 256 * 28 * 28)
    host, eager = made(Eager, digits, recipe)
    device, steps = made(OnDevice, digits, recipe)
    for _ in range(recipe.epochs):
        assert_near(steps.train_epoch(), eager.train_epoch())
        assert_near(steps.measure(), eager.measure())
    for mine, other in ((device, host), (steps.network, eager.network)):
        for name, value in other.state_dict().items():
            torch.testing.assert_close(mine.state_dict()[name], value, rtol=0, atol=0.02)


@pytest.mark.parametrize("kind", [Eager, OnDevice])
def test_what_is_measured_is_the_average_of_the_weights(
    digits: Split, kind: Callable[..., Engine]
) -> None:
    """The expected average is computed from the weights after every step."""
    few = replace(digits, train=Images(digits.train.pixels[:640], digits.train.labels[:640]))
    model, engine = made(kind, few, replace(STILL, average=0.5, bn_images=0))
    wanted = deepcopy(model.state_dict())
    steps: list[float] = []

    def follow(*_: object) -> None:
        steps.append(max(1 / (0.5 * 10), 9 / (9 + len(steps) + 1)))
        for name, value in model.state_dict().items():
            if value.is_floating_point():
                wanted[name] += steps[-1] * (value - wanted[name])

    hook = register_optimizer_step_post_hook(follow)
    try:
        for _ in range(STILL.epochs):
            engine.train_epoch()
    finally:
        hook.remove()
    assert len(steps) == 30
    assert steps[0] == 0.9
    assert steps[-1] == pytest.approx(9 / 39)
    for name, value in engine.network.state_dict().items():
        if value.is_floating_point():
            torch.testing.assert_close(value, wanted[name])
            assert not torch.equal(value, model.state_dict()[name])
    assert engine.measure() == evaluate(engine.network, digits.held_out, digits.normalizer, PLAIN)


@pytest.mark.parametrize("average", [0.0, 1.0])
@pytest.mark.parametrize("kind", [Eager, OnDevice])
def test_batch_norm_is_measured_with_the_statistics_that_the_weights_have_then(
    digits: Split, kind: Callable[..., Engine], average: float
) -> None:
    """Expected statistics are computed layer by layer, from all training images at once. Measuring
    does not change the training that follows."""
    count = len(digits.train)
    recipe = replace(STILL, average=average, bn_images=count)
    flat = (Flatten(), BatchNorm())
    (model, engine), (unseen, other) = (made(kind, digits, recipe, head=flat) for _ in range(2))
    for each in (engine, other):
        each.train_epoch()
    left = deepcopy(engine.network.state_dict())
    found = engine.measure()
    inputs = digits.normalizer(digits.train.pixels.float() / 255)
    kinds = []
    with torch.no_grad():
        for layer in (layer for stage in engine.network.children() for layer in stage.children()):
            if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
                kinds.append(type(layer))
                of_channels = [0, *range(2, inputs.ndim)]
                mean, var = inputs.mean(of_channels), inputs.var(of_channels)
                assert layer.running_mean is not None
                assert layer.running_var is not None
                torch.testing.assert_close(layer.running_mean, mean, rtol=1e-3, atol=1e-4)
                torch.testing.assert_close(layer.running_var, var, rtol=2e-3, atol=1e-4)
            inputs = layer(inputs)
    assert kinds == [nn.BatchNorm2d, nn.BatchNorm2d, nn.BatchNorm1d]
    assert found == evaluate(engine.network, digits.held_out, digits.normalizer, PLAIN)
    changed = {
        name
        for name, value in engine.network.state_dict().items()
        if not torch.equal(value, left[name])
    }
    assert changed == {name for name in left if "running" in name or "tracked" in name}
    assert engine.train_epoch() == other.train_epoch()
    for mine, its in zip(model.parameters(), unseen.parameters(), strict=True):
        assert torch.equal(mine, its)


def test_without_an_average_the_model_itself_is_measured(digits: Split) -> None:
    model, engine = made(Eager, digits, replace(STILL, average=0.0))
    assert engine.network is model


def test_a_step_on_the_device_learns_from_augmented_images_and_with_dropout(digits: Split) -> None:
    _, steps = made(OnDevice, digits, replace(MOVED, epochs=4, batch_size=16), Dropout(0.1))
    losses = [steps.train_epoch()[0] for _ in range(4)]
    assert losses[-1] < 0.8 * losses[0]
    assert steps.measure()[1] > 40  # chance is 10


@pytest.mark.parametrize("above", [0.0, 100.0])
@pytest.mark.parametrize("kind", [Eager, OnDevice])
def test_augmentation_fades_unless_the_network_knows_its_images_by_heart(
    digits: Split, kind: Callable[..., Engine], above: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[torch.Tensor] = []

    def follow(images: torch.Tensor, *arguments: object) -> torch.Tensor:
        strength = arguments[-1]
        assert isinstance(strength, torch.Tensor)
        found.append(strength.expand(len(images)).clone())
        return images

    monkeypatch.setattr(step, "warp", follow)
    recipe = replace(MOVED, batch_size=50, fade=0.5, fade_above=above)
    _, engine = made(kind, digits, recipe)
    errors = [100 - engine.train_epoch()[1] for _ in range(recipe.epochs)]
    steps = len(digits.train) // 50
    fading = Fading(0.5, 0.0, 3, steps, torch.device("cpu"))
    wanted = fading.strengths.flatten().repeat_interleave(50)
    assert wanted.unique().numel() > steps
    assert 0 < errors[0] < 100  # the first is the last whole epoch before the fade
    fades = errors[0] > above
    assert torch.equal(torch.cat(found), wanted if fades else torch.ones_like(wanted))


@pytest.mark.parametrize(("fade", "judged"), [(0.33, 10), (0.4, 9), (0.5, 7), (0.9, 1)])
def test_the_last_whole_epoch_before_the_fade_decides(fade: float, judged: int) -> None:
    def after(accuracies: dict[int, float]) -> torch.Tensor:
        fading = Fading(fade, 1.5, 15, 10, torch.device("cpu"))
        for epoch in range(1, 16):
            fading.after_epoch(accuracies.get(epoch, 90.0))
        return fading.strengths

    fades = after({})
    assert fades[judged - 1].min() == 1
    assert fades[judged].min() < 1
    for epoch in range(1, 16):
        wanted = torch.ones_like(fades) if epoch == judged else fades
        assert torch.equal(after({epoch: 98.6}), wanted)
    assert torch.equal(after({judged: 98.5}), fades)  # exactly 1.5 percent wrong


@pytest.mark.parametrize("kind", [Eager, OnDevice])
def test_an_epoch_takes_each_image_at_most_once(
    digits: Split, kind: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first two pixels of each image encode its number."""
    count = 750
    store = torch.zeros(count, 1, 28, 28, dtype=torch.uint8)
    store[:, 0, 0, 0], store[:, 0, 0, 1] = torch.arange(count) // 256, torch.arange(count) % 256
    labels = torch.arange(count) % 10
    seen: list[int] = []

    def look(
        _: object, __: object, inputs: torch.Tensor, labels: torch.Tensor, *___: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        pixels = (inputs[:, 0, 0, :2] * normalizer.std + normalizer.mean) * 255
        number = (pixels.round().long() @ torch.tensor([256, 1])).tolist()
        assert labels.tolist() == [each % 10 for each in number]
        seen.extend(number)
        return torch.zeros(()), torch.zeros((), dtype=torch.long)

    normalizer = digits.normalizer
    monkeypatch.setattr(engines, "train_step", look)
    # The last chunk is smaller.
    monkeypatch.setattr(engines, "CHUNK", 300)
    monkeypatch.setattr(engines, "PIXELS_ON_DEVICE", 300 * 28 * 28)
    few = replace(digits, train=Images(store, labels))
    _, engine = made(kind, few, replace(STILL, batch_size=100))
    for _ in range(2):
        engine.train_epoch()
    first, second = seen[:700], seen[700:]
    for epoch in (first, second):
        assert len(epoch) == len(set(epoch)) == 700
    assert first != second
    assert set(first) != set(second)  # different images are left out


def test_the_warm_up_changes_nothing_that_training_computes(digits: Split) -> None:
    cold, without = made(OnDevice, digits, MOVED, Dropout(0.2))
    torch.manual_seed(5)
    expected = [without.train_epoch() for _ in range(2)]
    warm, engine = made(OnDevice, digits, MOVED, Dropout(0.2))
    assert isinstance(engine, OnDevice)
    before = deepcopy((warm.state_dict(), engine.network.state_dict()))
    torch.manual_seed(5)
    engine._warm_up()
    assert engine._optimizer.state
    for network, known in zip((warm, engine.network), before, strict=True):
        assert all(torch.equal(value, known[name]) for name, value in network.state_dict().items())
    assert [engine.train_epoch() for _ in range(2)] == expected
    for mine, other in ((warm, cold), (engine.network, without.network)):
        for name, value in other.state_dict().items():
            assert torch.equal(mine.state_dict()[name], value), name


def test_a_warm_up_that_fails_leaves_the_network_as_it_was(
    digits: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, engine = made(OnDevice, digits, MOVED)
    assert isinstance(engine, OnDevice)
    before = deepcopy(model.state_dict())
    one_step, count = engine._one_step, 0

    def failing() -> None:
        nonlocal count
        count += 1
        one_step()
        if count == 2:
            raise RuntimeError("no")

    monkeypatch.setattr(engine, "_one_step", failing)
    with pytest.raises(RuntimeError, match="no"):
        engine._warm_up()
    assert count == 2
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_small_sets_are_one_batch(digits: Split) -> None:
    few = Images(digits.train.pixels[:10], digits.train.labels[:10])
    _, eager = made(Eager, replace(digits, train=few), STILL)
    _, steps = made(OnDevice, replace(digits, train=few), STILL)
    assert steps.train_epoch() == pytest.approx(eager.train_epoch(), rel=1e-5)


def test_fit_says_which_engine_it_used(digits: Split) -> None:
    trained = fit(net(), digits, replace(STILL, epochs=1), seed=1)
    assert (trained.engine, trained.fallback, trained.where("cpu")) == ("eager", "", "cpu")
    assert replace(trained, engine="CUDA graph").where("cuda:0") == "cuda:0, CUDA graph"


# On CUDA


@cuda
@BOTH
def test_graph_and_eager_agree_step_by_step(
    digits: Split, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same step, replayed or called, with the same random numbers and algorithms."""
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", True)
    data = digits.to(torch.device("cuda"))
    called, eager = made(OnDevice, data, recipe)
    replayed, graph = made(Captured, data, recipe)
    assert graph.name == "CUDA graph"
    for _ in range(recipe.epochs):
        assert_near(graph.train_epoch(), eager.train_epoch())
        assert_near(graph.measure(), eager.measure())
    for name, value in called.state_dict().items():
        torch.testing.assert_close(replayed.state_dict()[name], value, rtol=2e-2, atol=2e-2)


@cuda
def test_graphs_draw_new_dropout_masks_and_learn_as_eager_does(digits: Split) -> None:
    data = digits.to(torch.device("cuda"))
    # One batch of all images, and almost no learning.
    same = replace(STILL, epochs=4, batch_size=len(digits.train), lr=1e-8)
    _, graph = made(Captured, data, same, Dropout(0.3))
    losses = [graph.train_epoch()[0] for _ in range(4)]
    assert graph.name == "CUDA graph"
    assert max(losses) - min(losses) > 1e-5  # 1e-6 without dropout
    found: dict[str, list[float]] = {"graph": [], "eager": []}
    for seed in range(5):
        for name, kind in (("graph", Captured), ("eager", Eager)):
            torch.manual_seed(seed)
            model = build(net(Dropout(0.3))).to("cuda")
            engine: Engine = kind(model, data, STILL, seed, PLAIN)
            found[name].append([engine.train_epoch()[0] for _ in range(STILL.epochs)][-1])
    assert fmean(found["graph"]) == pytest.approx(fmean(found["eager"]), rel=5e-3)


@cuda
def test_the_evaluation_graph_sees_the_weights_of_today(digits: Split) -> None:
    data = digits.to(torch.device("cuda"))
    _, graph = made(Captured, data, STILL)
    measured = []
    for _ in range(3):
        graph.train_epoch()
        measured.append(graph.measure())
        assert isinstance(graph, Captured)
        assert measured[-1] == pytest.approx(super(Captured, graph).measure(), rel=1e-4)
    assert len(set(measured)) == 3


@cuda
def test_what_cannot_be_captured_runs_eagerly_and_says_so(
    digits: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = digits.to(torch.device("cuda"))
    one_step = Captured._one_step

    def waits(engine: Captured) -> None:
        one_step(engine)
        engine._loss.item()

    stream = torch.cuda.current_stream()
    with monkeypatch.context() as patch:
        patch.setattr(Captured, "_one_step", waits)
        trained = fit(net(Dropout(0.1)), data, STILL, seed=1)
    assert trained.engine == "eager"
    assert "captur" in trained.fallback
    assert trained.where("here") == "here, eager"
    assert trained.curve[-1].train_loss < trained.curve[0].train_loss
    assert torch.cuda.current_stream() == stream
    after = fit(net(Dropout(0.1)), data, STILL, seed=1)  # the next candidate of this process
    assert (after.engine, after.fallback) == ("CUDA graph", "")
    assert after.curve[-1].train_loss < after.curve[0].train_loss
