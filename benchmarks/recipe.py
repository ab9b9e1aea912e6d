"""What each part of the recipe is worth: one thing changed at a time, on three nets, three seeds.

    python benchmarks/recipe.py [VARIANT ...] [--seeds 3] [--first 0] [--workers 2] [--nets NET ...]

Trains on the 50,000 MNIST images that a search trains on and measures on the 10,000 held-out ones
after epochs 1, 4 and 15, the last; no test image is read. A variant has a base, and what it does
not name is that base's: `unfaded` is the recipe without fading of the augmentation, as it was when
most of these were measured, and `base` what it was before that, with a peak learning rate of 0.02
and without an average of the weights. The nets are plain designs of about 1,000, 4,000 and 8,000
parameters that no search has chosen; with `--nets 4k-bare` it is the second of them without batch
norm, and with `--nets design-991 design-1858 design-3514` separable designs that a search of the
`conv` space starts with; both have tables of their own. A run of `base` and its variants also keeps
an exponential moving average of its weights and batch norm's statistics, over about the last 1,000
steps, and measures that too; it changes nothing in the run. Writes recipe.csv beside this file, a
row a measurement; what is there in this machine's arithmetic is kept. Prints, for every variant,
the mean over the nets of the difference to its base with the same seed and arithmetic.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain, product
from pathlib import Path

import optuna
import pandas as pd
import pool
import torch
from torch import Tensor, nn
from torch.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)
from torch.optim.swa_utils import AveragedModel

from nas.architecture import (
    Architecture,
    BatchNorm,
    ChannelDropout,
    Conv,
    DepthwiseConv,
    Flatten,
    GlobalAvgPool,
    Layer,
    Limits,
    MaxPool,
    Padding,
    ReLU,
    SiLU,
    Task,
)
from nas.architecture.module import build
from nas.data import dataset
from nas.data.images import Split, load_split
from nas.execution.processes import default_workers
from nas.training import Recipe
from nas.training.device import by_hardware
from nas.training.engines import Eager
from nas.training.seeds import seed_of
from nas.training.step import evaluate
from search_spaces import conv

OUTPUT = Path(__file__).with_suffix(".csv")
MEASURED = (1, 4, 15)
BASE, UNFADED, SILU = "base", "unfaded", "activation: SiLU"
# What the recipe had when these were measured.
FORMER: dict[str, dict[str, object]] = {
    BASE: {"average": 0.0, "lr": 0.02, "lr_without_norm": 1.0, "fade": 0.0, "bn_images": 0},
    UNFADED: {"fade": 0.0, "bn_images": 0},
}
EMA_DECAY = 0.999  # an average over about the last 1,000 steps, one and a quarter epochs


@dataclass(frozen=True, slots=True)
class Variant:
    """What is changed, and of what."""

    base: str
    recipe: dict[str, object] = field(default_factory=dict)
    after: tuple[Layer, ...] = (ReLU(),)  # behind every batch norm
    change: Callable[[nn.Module], None] = lambda _: None  # in the model, before its first step
    clip: float = 0.0  # the gradient's largest norm; 0: any


def _momentum(model: nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 0.01


def _fan_out(model: nn.Module) -> None:
    """He's initialisation, as for torchvision's residual networks; biases are zero."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)


VARIANTS = {
    UNFADED: Variant(UNFADED),
    BASE: Variant(BASE),
    "schedule: restarts": Variant(BASE, {"schedule": "restarts"}),
    "learning rate: 0.01": Variant(BASE, {"lr": 0.01}),
    "learning rate: 0.04": Variant(BASE, {"lr": 0.04}),
    "learning rate: 0.08": Variant(BASE, {"lr": 0.08}),
    "learning rate: 0.04, clipped": Variant(BASE, {"lr": 0.04}, clip=1.0),
    SILU: Variant(UNFADED, after=(SiLU(),)),
    "augmentation: 3 degrees, 1 pixel": Variant(
        BASE, {"rotation": 3.0, "shift": 1.0, "scale": 0.0}
    ),
    "batch: 128": Variant(UNFADED, {"batch_size": 128}),
    "weight decay: 0.01": Variant(UNFADED, {"weight_decay": 0.01}),
    "batch: 32": Variant(UNFADED, {"batch_size": 32}),
    "batch: 32, learning rate: 0.08": Variant(UNFADED, {"batch_size": 32, "lr": 0.08}),
    "batch: 32, learning rate: 0.16": Variant(UNFADED, {"batch_size": 32, "lr": 0.16}),
    "augmentation: 10 degrees, 2 pixels": Variant(
        UNFADED, {"rotation": 10.0, "shift": 2.0, "scale": 0.1}
    ),
    "augmentation: 12 degrees, 2.5 pixels": Variant(
        UNFADED, {"rotation": 12.0, "shift": 2.5, "scale": 0.15}
    ),
    "label smoothing: 0.05": Variant(UNFADED, {"label_smoothing": 0.05}),
    "batch norm's momentum: 0.01": Variant(UNFADED, change=_momentum),
    "initialisation: He, fan out": Variant(UNFADED, change=_fan_out),
    "dropout of channels: 0.05": Variant(UNFADED, after=(ReLU(), ChannelDropout(0.05))),
    "augmentation: none": Variant(UNFADED, {"rotation": 0.0, "shift": 0.0, "scale": 0.0}),
    "augmentation fades, SiLU": Variant(SILU, {"fade_above": 0.0, "bn_images": 0}, after=(SiLU(),)),
}
NETS = ("1k", "4k", "8k")
BARE = "4k-bare"  # without batch norm
DESIGNS = {  # of `conv.start` at 8,000 parameters, or as it was; by their own parameters
    "design-959": conv.RECURRENT,
    "design-991": conv.SEPARABLE,
    "design-1858": conv.RECURRENT,
    "design-3514": conv.SEPARABLE,
}

Job = tuple[str, str, int, str]  # variant, net, seed, arithmetic


def net(name: str, after: tuple[Layer, ...]) -> Architecture:
    """The net called `name`, with `after` behind each of its batch norms."""
    if name in DESIGNS:
        return design(int(name.removeprefix("design-")), DESIGNS[name], after)
    normed = name != BARE
    norm = (BatchNorm(),) if normed else ()

    def plain(width: int, valid: bool = False) -> tuple[Layer, ...]:
        padding: Padding = "valid" if valid else "same"
        return Conv(width, 3, padding, bias=not normed), *norm, *after

    def separable(width: int) -> tuple[Layer, ...]:
        return DepthwiseConv(bias=False), Conv(width, 1, bias=False), BatchNorm(), *after

    halve = (MaxPool(),)
    bodies = {
        "1k": (*plain(8, True), *halve, *separable(10), *halve, *separable(12), *separable(14)),
        "4k": (*plain(8, True), *halve, *plain(12), *halve, *plain(14), *plain(12)),
        "8k": (*plain(10, True), *halve, *plain(14), *plain(14), *halve, *plain(16), *plain(16)),
    }
    head = (Conv(10, 1), GlobalAvgPool(), Flatten())
    return Architecture((1, 28, 28), (*bodies[name.removesuffix("-bare")], *head))


def design(params: int, family: conv.Family, after: tuple[Layer, ...]) -> Architecture:
    """The family's design that has `params` of 8,000, with `after` for its activation."""
    task = Task((1, 28, 28), 10, Limits(8_000))
    best = conv.best_design(task, params, family)
    assert best is not None
    assert best[0] == params
    found = conv.sample(optuna.trial.FixedTrial(best[1]), task)
    layers = ([*after] if isinstance(layer, ReLU | SiLU) else [layer] for layer in found.layers)
    return Architecture(found.input_shape, tuple(chain.from_iterable(layers)))


def averaged(model: nn.Module) -> AveragedModel:
    """An exponential moving average of weights and buffers; `update_parameters` goes on."""

    def step(average: list[Tensor], current: list[Tensor], steps: Tensor) -> None:
        if average[0].is_floating_point():  # else the number of batches, which nothing reads
            done = int(steps)  # the first steps weigh more, as there is nothing yet to average
            decay = min(EMA_DECAY, (1 + done) / (10 + done))
            torch._foreach_lerp_(average, current, 1 - decay)

    return AveragedModel(model, multi_avg_fn=step, use_buffers=True)  # type: ignore[arg-type]


def train(job: Job, data: Split) -> list[dict[str, object]]:
    """One run; a row for each of the epochs at which it is measured."""
    name, which, index, _ = job
    variant = VARIANTS[name]
    settings = {**FORMER.get(variant.base, {}), **variant.recipe}
    architecture = net(which, variant.after)
    recipe = Recipe(**settings)  # type: ignore[arg-type]
    recipe = recipe.of_network(architecture.has(BatchNorm))
    arithmetic = by_hardware(torch.device("cpu"), recipe.precision)
    seed = seed_of(index, which)
    torch.manual_seed(seed)
    model = build(architecture)
    variant.change(model)
    model = model.to(memory_format=arithmetic.memory_format)  # type: ignore[call-overload]
    engine = Eager(model, data, recipe, seed, arithmetic)
    average = averaged(model) if variant.base == BASE else None
    hooks = []
    if average is not None:
        update = average.update_parameters
        hooks.append(register_optimizer_step_post_hook(lambda *_: update(model)))
    if variant.clip:
        hooks.append(register_optimizer_step_pre_hook(lambda *_: _clip(model, variant.clip)))
    rows: list[dict[str, object]] = []
    for epoch in range(1, recipe.epochs + 1):
        train_loss, _ = engine.train_epoch()
        if epoch not in MEASURED:
            continue
        loss, accuracy = engine.measure()
        row: dict[str, object] = {
            **{"variant": name, "net": which, "params": architecture.params, "seed": index},
            **{"epoch": epoch, "train_loss": round(train_loss, 5), "loss": round(loss, 5)},
            **{"accuracy": accuracy, "ema_loss": None, "ema_accuracy": None},
            "arithmetic": str(arithmetic),
        }
        if average is not None:
            loss, accuracy = evaluate(average.module, data.held_out, data.normalizer, arithmetic)
            row |= {"ema_loss": round(loss, 5), "ema_accuracy": accuracy}
        rows.append(row)
    for hook in hooks:
        hook.remove()
    return rows


def _clip(model: nn.Module, norm: float) -> None:
    nn.utils.clip_grad_norm_(model.parameters(), norm)


def table(rows: pd.DataFrame) -> pd.DataFrame:
    """A row a variant: accuracy of each net after the last epoch, and what the change is worth.

    `gain` is the mean over nets, seeds and arithmetics of the difference to its base with the same
    of all three, in points; `se` is its standard error, over those differences. `loss, %` is the
    same for the held-out loss, relative, which is less noisy; negative is better.
    """
    last = rows[rows["epoch"] == max(MEASURED)]
    ema = last[last["variant"] == BASE].assign(variant="average of the weights")
    ema = ema.assign(accuracy=ema["ema_accuracy"], loss=ema["ema_loss"])
    last = pd.concat([last, ema]).set_index(["net", "seed", "arithmetic"])
    found: list[dict[str, object]] = []
    for name, runs in last.groupby("variant", sort=False):
        row: dict[str, object] = {"variant": name}
        for which, of_net in runs.groupby("net"):
            row[str(which)] = f"{of_net['accuracy'].mean():.2f} ± {of_net['accuracy'].std():.2f}"
        own = VARIANTS.get(str(name))
        base = last[last["variant"] == (own.base if own else BASE)]
        gain = (runs["accuracy"] - base["accuracy"]).dropna()
        loss = 100 * (runs["loss"] / base["loss"] - 1).dropna()
        row |= {"gain": gain.mean(), "se": gain.sem()}
        row |= {"loss, %": loss.mean(), "its se": loss.sem(), "n": len(gain)}
        found.append(row)
    return pd.DataFrame(found).round({"gain": 2, "se": 2, "loss, %": 1, "its se": 1})


_data: Split


def _prepare() -> None:
    global _data
    _data = load_split(dataset("mnist"))


def _run(job: Job) -> list[dict[str, object]]:
    return train(job, _data)


def _jobs(variants: Sequence[str], nets: Sequence[str], seeds: Sequence[int]) -> list[Job]:
    """Every variant's first seed before any second one."""
    here = str(by_hardware(torch.device("cpu"), Recipe().precision))
    seeded = product(seeds, variants, nets)
    return [(name, which, seed, here) for seed, name, which in seeded]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("variants", nargs="*", metavar="VARIANT", help=", ".join(VARIANTS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=0, help="the first of the seeds")
    parser.add_argument("--nets", nargs="+", default=NETS, choices=(*NETS, BARE, *DESIGNS))
    parser.add_argument("--workers", type=int, default=default_workers("cpu"))
    options = parser.parse_args()
    if unknown := [name for name in options.variants if name not in VARIANTS]:
        parser.error(f"{', '.join(unknown)}: there are {', '.join(VARIANTS)}")
    seeds = range(options.first, options.first + options.seeds)
    jobs = _jobs(options.variants or [*VARIANTS], options.nets, seeds)
    columns = ("variant", "net", "seed", "arithmetic")
    measured = pool.train(_run, jobs, columns, OUTPUT, options.workers, _prepare)
    for nets in (NETS, [BARE], DESIGNS):
        own = measured[measured["net"].isin(nets)]
        if not own.empty:
            print(table(own).to_string(index=False))


if __name__ == "__main__":
    main()
