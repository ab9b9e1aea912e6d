"""Plain and depthwise-separable convolution blocks with pooling, BN, dropout and four heads.

A network is 1 to 4 blocks and a head. A block has 1 to 3 convolutions with the same kernel and
padding, optional downsampling (max pooling, average pooling or a stride) after its first or last
convolution, and an optional 1 x 1 transition. In networks with `shared`, a block may end with one
more convolution that is applied three times with the same weights, keeps the size, and has its own
batch norm each time. Batch norm, activation and dropout are chosen once for the whole network.

Widths are drawn log-uniformly up to a bound that grows with the square root of the budget, because
a convolution's parameters grow with the square of its width. So a fair share of random draws is
within the budget, whatever it is.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import product
from math import sqrt

import optuna

from nas.architecture import (
    Architecture,
    AvgPool,
    BatchNorm,
    ChannelDropout,
    Conv,
    DepthwiseConv,
    Dropout,
    Flatten,
    GlobalAvgPool,
    Layer,
    Linear,
    MaxPool,
    Padding,
    ReLU,
    SiLU,
    Task,
)
from nas.errors import ArchitectureError

MAX_BLOCKS = 4
MAX_CONVS = 3
WIDE_ENOUGH = 6  # up to this width, a wider first convolution gains more than another layer
SHARED_UP_TO = 2_500  # parameters; larger designs gained nothing from shared weights
DESIGNS, SHARE = 4, 8  # number of sizes to start with; the smallest is budget / SHARE
MIN_USE = 0.8  # share of a size that its design should use
SHARED = (0, 3)  # how often a block's shared convolution is applied; 0: no such convolution


@dataclass(frozen=True, slots=True)
class Family:
    """Designs that a search can start with."""

    depths: tuple[tuple[int, int, int], ...]  # convolutions in each of three blocks
    separable: bool  # in all blocks but the first
    shared: int = 0  # how often the shared convolution of these blocks is applied


PLAIN = Family(((2, 2, 2), (2, 2, 1), (1, 2, 1), (1, 1, 1)), separable=False)
SEPARABLE = Family(((1, 3, 3), (1, 2, 3), (1, 2, 2), (1, 1, 2), (1, 1, 1)), separable=True)
RECURRENT = Family(((1, 1, 1),), separable=True, shared=3)


def widths(task: Task) -> tuple[int, int]:
    """The minimum and maximum width to draw.

    A 1 x 1 convolution from the maximum to the same width takes an eighth of the budget: a few
    separable convolutions of that width fit, and not one plain convolution. The minimum is a fifth
    of the maximum, or 2, because a much narrower convolution is a bottleneck.
    """
    widest = max(4, min(128, round(sqrt(task.limits.params / 8))))
    return max(2, widest // 5), widest


def smallest(task: Task) -> Architecture:
    """The architecture of this space with the fewest parameters: one convolution and a head."""
    params: dict[str, object] = {
        "blocks": 1,
        "norm": False,
        "activation": "relu",
        "dropout": "none",
        "head": "conv-gap",
        "shared": False,
        "block1.convs": 1,
        "block1.type": "separable",
        "block1.kernel": 3,
        "block1.padding": "same",
        "block1.down": "none",
        "block1.transition": False,
        "block1.width1": widths(task)[0],
    }
    return sample(optuna.trial.FixedTrial(params), task)


def start(task: Task) -> list[dict[str, object]]:
    """Designs of about 1, 1/2, 1/4 and 1/8 of the budget, largest first.

    So a search starts from a reasonable front instead of random draws. With a minimum size, the
    four sizes lie closer together above it.

    All designs have a plain 3 x 3 convolution, then max pools and separable convolutions, with
    batch norm and SiLU (`docs/recipe.md` compares it with ReLU). The whole budget also gets a
    design of plain convolutions, which are as good at 8,000 parameters but not below. Each small
    size also gets one whose blocks end with a shared convolution (`docs/evidence.md`).
    """
    sizes = _sizes(task)
    families = [(size, SEPARABLE) for size in sizes]
    families += [(size, RECURRENT) for size in sizes if size <= SHARED_UP_TO]
    families.append((sizes[0], PLAIN))
    chosen = [best_design(task, size, family) for size, family in families]
    sized = {size: params for found in chosen if found for size, params in [found]}
    return [sized[size] for size in sorted(sized, reverse=True) if size >= task.limits.min_params]


def _sizes(task: Task) -> list[float]:
    """Maximum numbers of parameters of the first designs, in equal ratios."""
    most = task.limits.params
    least = min(most, max(most / SHARE, task.limits.min_params / MIN_USE))
    steps = (step / (DESIGNS - 1) for step in range(DESIGNS))
    return [round(most * (least / most) ** step, 6) for step in steps]  # so that 1/2 is exact


def best_design(task: Task, limit: float, family: Family) -> tuple[int, dict[str, object]] | None:
    """The number of parameters of a family's best design within `limit`, and what draws it.

    The best is the deepest that begins wide enough and uses `MIN_USE` of the limit; if none does,
    the largest. None if no design fits.
    """
    fitting = [design for design in _designs(task, family) if design[0] <= limit]
    large = [design for design in fitting if design[0] >= MIN_USE * limit]
    if large:
        return max(large, key=lambda design: (*_quality(design[1]), design[0]))
    return max(fitting, key=lambda design: design[0], default=None)


def _quality(params: Mapping[str, object]) -> tuple[int, int]:
    """The width of the first convolution, capped at `WIDE_ENOUGH`, and the depth."""
    first, depth = params["block1.width1"], sum(1 for name in params if ".width" in name)
    assert isinstance(first, int)
    return min(first, WIDE_ENOUGH), depth


def _designs(task: Task, family: Family) -> Iterator[tuple[int, dict[str, object]]]:
    """The number of parameters of every design of a family, and the values that draw it."""
    narrowest, widest = widths(task)
    firsts = range(narrowest, widest * 2 // 3 + 1)
    for convs, width in product(family.depths, firsts):
        middle, last = width * 3 // 2, min(widest, width * 2)
        # Designs with shared weights have one depth only: without more last widths, their sizes
        # would be a fifth of a budget apart.
        for end in range(middle, last + 1) if family.shared else [last]:
            params = _design(convs, (width, middle, end), family)
            with suppress(ArchitectureError):  # a deep design does not fit a small image
                yield sample(optuna.trial.FixedTrial(params), task).params, params


def _design(
    convs: tuple[int, ...], block_widths: tuple[int, ...], family: Family
) -> dict[str, object]:
    """The values that draw a network with `convs` convolutions of `block_widths` in its blocks."""
    params: dict[str, object] = {
        "blocks": len(convs),
        "norm": True,
        "activation": "silu",
        "dropout": "none",
        "head": "conv-gap",
        "shared": family.shared > 0,
    }
    for number, (count, width) in enumerate(zip(convs, block_widths, strict=True), start=1):
        name = f"block{number}"
        params |= {
            f"{name}.convs": count,
            f"{name}.type": "separable" if family.separable and number > 1 else "plain",
            f"{name}.kernel": 3,
            f"{name}.padding": "valid" if number == 1 else "same",
            f"{name}.down": "max" if number < len(convs) else "none",
            f"{name}.down_behind": "last",
            f"{name}.transition": False,
        }
        if family.shared:
            params[f"{name}.shared"] = family.shared if number > 1 else 0
        params |= {f"{name}.width{conv}": width for conv in range(1, count + 1)}
    return params


def sample(trial: optuna.trial.BaseTrial, task: Task) -> Architecture:
    """Draw one architecture."""
    blocks = trial.suggest_int("blocks", 1, MAX_BLOCKS)
    norm = trial.suggest_categorical("norm", [True, False])
    after = _after_convolution(trial, norm)
    shared = trial.suggest_categorical("shared", [False, True])
    layers: list[Layer] = []
    for block in range(1, blocks + 1):
        layers += _block(trial, task, f"block{block}", bias=not norm, after=after, shared=shared)
    body = Architecture(task.input_shape, tuple(layers))
    head = trial.suggest_categorical("head", ["conv-gap", "gap-linear", "full-conv", "linear"])
    return Architecture(task.input_shape, (*body.layers, *_head(head, body, task.classes)))


def _after_convolution(trial: optuna.trial.BaseTrial, norm: bool) -> tuple[Layer, ...]:
    """The layers after every convolution: batch norm, activation, dropout."""
    activation = trial.suggest_categorical("activation", ["relu", "silu"])
    dropout = trial.suggest_categorical("dropout", ["none", "values", "channels"])
    layers: list[Layer] = [BatchNorm()] if norm else []
    layers.append(ReLU() if activation == "relu" else SiLU())
    if dropout != "none":
        rate = trial.suggest_float("dropout_rate", 0.02, 0.2, step=0.02)
        rate = round(rate, 2)  # Optuna's float step gives 0.060000000000000005
        layers.append(Dropout(rate) if dropout == "values" else ChannelDropout(rate))
    return tuple(layers)


def _block(
    trial: optuna.trial.BaseTrial,
    task: Task,
    name: str,
    bias: bool,
    after: tuple[Layer, ...],
    shared: bool,
) -> Iterator[Layer]:
    convs = trial.suggest_int(f"{name}.convs", 1, MAX_CONVS)
    separable = trial.suggest_categorical(f"{name}.type", ["plain", "separable"]) == "separable"
    kernel = trial.suggest_categorical(f"{name}.kernel", [3, 5])
    same = trial.suggest_categorical(f"{name}.padding", ["same", "valid"]) == "same"
    times = trial.suggest_categorical(f"{name}.shared", SHARED) if shared else 0
    down = trial.suggest_categorical(f"{name}.down", ["max", "avg", "stride", "none"])
    # A shared convolution keeps the image size, so it cannot be strided.
    last = convs if down == "stride" else convs + times
    down_behind = last
    if down != "none" and last > 1:
        where = trial.suggest_categorical(f"{name}.down_behind", ["first", "last"])
        down_behind = 1 if where == "first" else last
    for number in range(1, convs + times + 1):
        if number <= convs:
            width = _width(trial, task, f"{name}.width{number}")
        here = down if number == down_behind else "none"
        stride = 2 if here == "stride" else 1
        around: Padding = "same" if same or number > convs else "valid"
        again = number > convs + 1
        if separable:
            yield DepthwiseConv(kernel, around, stride, bias=False, shared=again)
            yield Conv(width, kernel=1, bias=bias, shared=again)
        else:
            yield Conv(width, kernel, around, stride, bias, shared=again)
        yield from after
        if here == "max":
            yield MaxPool(2)
        elif here == "avg":
            yield AvgPool(2)
    if trial.suggest_categorical(f"{name}.transition", [False, True]):
        yield Conv(_width(trial, task, f"{name}.transition_width"), kernel=1, bias=bias)
        yield from after


def _width(trial: optuna.trial.BaseTrial, task: Task, name: str) -> int:
    return trial.suggest_int(name, *widths(task), log=True)


def _head(kind: str, body: Architecture, classes: int) -> tuple[Layer, ...]:
    _, height, width = body.out_shape
    match kind:
        case "conv-gap":
            return Conv(classes, kernel=1), GlobalAvgPool(), Flatten()
        case "gap-linear":
            return GlobalAvgPool(), Flatten(), Linear(classes)
        case "full-conv" if height == width:
            return Conv(classes, kernel=height, padding="valid"), Flatten()
        case _:  # a full-size convolution on a map that is not square is a linear layer
            return Flatten(), Linear(classes)
