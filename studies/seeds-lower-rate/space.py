"""The hand-made MNIST nets that people reached step by step, as one categorical parameter.

They come from five write-ups of one challenge, here by their card number. Where a card prints its
layers (000, 002, 004) the net is that, and the count is the card's to the parameter. Where it only
describes them:

- 003 gives features and totals. Six 3 x 3 convolutions with two max pools and GAP, all 32 wide with
  biases, have exactly its 40,202; all 14 wide without biases and with batch norm behind all but
  the last exactly its 8,582. Its 8,442 is that less 140, the affine pairs of the five batch norms:
  step 3 is therefore the same net without batch norm. The padding is "same", since the last
  convolutions would not fit otherwise.
- 001 gives features and rounded totals: 6.3M (the net here has 6,379,786), 700k (702,778), 48k
  (47,834) and 10.7k (10,706 before batch norm, 10,814 with it). Widths that the card does not name
  are chosen to meet them.

Dropout rates are 0.1 where a card gives none. ReLU stands behind every convolution but the last.
"""

from collections.abc import Callable

import optuna

from nas.architecture import (
    Architecture,
    AvgPool,
    BatchNorm,
    ChannelDropout,
    Conv,
    Dropout,
    Flatten,
    GlobalAvgPool,
    Layer,
    MaxPool,
    Padding,
    ReLU,
    Task,
)

Layers = tuple[Layer, ...]


def _conv(width: int, kernel: int = 3, padding: Padding = "same") -> Layers:
    return Conv(width, kernel, padding), ReLU()


def _card_000(tail: Layers) -> Layers:
    return (
        *_conv(32, padding="valid"),
        *_conv(32, padding="valid"),
        *_conv(10, kernel=1),
        MaxPool(),
        *_conv(32, padding="valid"),
        *_conv(10, kernel=1),
        MaxPool(),
        *tail,
        Flatten(),
    )


def _card_000_model1() -> Layers:
    return _card_000((Conv(10, 5, "valid"),))


def _card_000_model2() -> Layers:
    return _card_000((*_conv(10, padding="valid"), Conv(10, 3, "valid")))


def _card_001_model1() -> Layers:
    return (
        *_conv(32),
        *_conv(64),
        MaxPool(),
        *_conv(128),
        *_conv(256),
        MaxPool(),
        *_conv(512, padding="valid"),
        *_conv(1024, padding="valid"),
        Conv(10, 3, "valid"),
        Flatten(),
    )


def _card_001_model2() -> Layers:
    return (
        *_conv(32),
        *_conv(64),
        MaxPool(),
        *_conv(128),
        *_conv(256),
        MaxPool(),
        *_conv(128, padding="valid"),
        *_conv(16, padding="valid"),
        Conv(10, 3, "valid"),
        Flatten(),
    )


def _card_001_model3() -> Layers:
    return (
        *_conv(16),
        *_conv(32),
        MaxPool(),
        *_conv(64),
        *_conv(32),
        MaxPool(),
        *_conv(16, padding="valid"),
        Conv(10, 3, "valid"),
        GlobalAvgPool(),
        Flatten(),
    )


def _card_001_small(norm: bool) -> Layers:
    def conv(width: int) -> Layers:
        return (*_conv(width), BatchNorm(), Dropout(0.1)) if norm else _conv(width)

    return (
        *conv(10),
        *conv(16),
        MaxPool(),
        *conv(18),
        *conv(10),
        MaxPool(),
        Conv(10, 7, "valid"),
        Flatten(),
    )


def _card_002() -> Layers:
    def conv(width: int, kernel: int = 3, bias: bool = True) -> Layers:
        return Conv(width, kernel, "valid", bias=bias), ReLU(), BatchNorm(), Dropout(0.1)

    return (
        *conv(16, bias=False),
        MaxPool(),
        *conv(32),
        *conv(10, kernel=1),
        *conv(16),
        *conv(16),
        MaxPool(),
        Conv(10, 3, "valid"),
        BatchNorm(),
        Dropout(0.1),
        Flatten(),
    )


def _card_003_step1() -> Layers:
    return (
        *_conv(32),
        *_conv(32),
        MaxPool(),
        *_conv(32),
        *_conv(32),
        MaxPool(),
        *_conv(32),
        Conv(10),
        GlobalAvgPool(),
        Flatten(),
    )


def _card_003_small(norm: bool) -> Layers:
    def conv() -> Layers:
        layers: Layers = (Conv(14, bias=False), ReLU())
        return (*layers, BatchNorm(), Dropout(0.1)) if norm else (*layers, Dropout(0.1))

    return (
        *conv(),
        *conv(),
        MaxPool(),
        *conv(),
        *conv(),
        MaxPool(),
        *conv(),
        Conv(10, bias=False),
        GlobalAvgPool(),
        Flatten(),
    )


def _card_004() -> Layers:
    def conv(width: int, padding: Padding = "valid") -> Layers:
        return Conv(width, 3, padding, bias=False), ReLU(), BatchNorm()

    drop = ChannelDropout(0.1)
    return (
        *conv(16),
        drop,
        *conv(16),
        *conv(32),
        drop,
        *_conv(16, kernel=1),
        MaxPool(),
        *conv(16),
        drop,
        *conv(16, padding="same"),
        drop,
        *conv(16),
        drop,
        *conv(32),
        drop,
        Conv(10, kernel=1, bias=False),
        AvgPool(5),
        Flatten(),
    )


NETS: dict[str, Callable[[], Layers]] = {
    "000-model1": _card_000_model1,
    "000-model2": _card_000_model2,
    "001-model1": _card_001_model1,
    "001-model2": _card_001_model2,
    "001-model3": _card_001_model3,
    "001-model5": lambda: _card_001_small(norm=False),
    "001-model7": lambda: _card_001_small(norm=True),
    "002": _card_002,
    "003-step1": _card_003_step1,
    "003-step2": lambda: _card_003_small(norm=True),
    "003-step3": lambda: _card_003_small(norm=False),
    "004": _card_004,
}


def net(name: str, task: Task) -> Architecture:
    """The net called `name` on the task's input; made for 28 x 28 images and 10 classes."""
    return Architecture(task.input_shape, NETS[name]())


def start(task: Task) -> list[dict[str, object]]:  # noqa: ARG001 - the same for every task
    """Every net once, in the cards' order."""
    return [{"net": name} for name in NETS]


def smallest(task: Task) -> Architecture:
    """The net with the fewest parameters."""
    return min((net(name, task) for name in NETS), key=lambda candidate: candidate.params)


def sample(trial: optuna.trial.BaseTrial, task: Task) -> Architecture:
    """One of the nets."""
    return net(trial.suggest_categorical("net", list(NETS)), task)
