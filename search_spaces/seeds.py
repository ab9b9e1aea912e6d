"""Hand-made MNIST networks from five write-ups of one challenge, as one categorical parameter.

The names begin with the number of the write-up. 000, 002 and 004 print their layers, and the
networks here have exactly their parameters. 003 and 001 only describe them:

- 003 gives features and totals. Six 3 x 3 convolutions with two max pools and global average
  pooling have exactly its 40,202 parameters if all are 32 wide with biases, and exactly its 8,582
  if all are 14 wide without biases and with batch norm after all but the last. Its 8,442 is 140
  less, the affine pairs of the five batch norms, so step 3 is the same network without batch norm.
  The padding is "same", because the last convolutions would not fit otherwise.
- 001 gives features and rounded totals: 6.3M (here 6,379,786), 700k (702,778), 48k (47,834) and
  10.7k (10,706 without batch norm, 10,814 with it). Widths that it does not give are chosen to
  match.

Dropout rates are 0.1 where a write-up gives none. ReLU follows every convolution but the last.
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


def _card_001_large(fifth: int, sixth: int) -> Layers:
    return (
        *_conv(32),
        *_conv(64),
        MaxPool(),
        *_conv(128),
        *_conv(256),
        MaxPool(),
        *_conv(fifth, padding="valid"),
        *_conv(sixth, padding="valid"),
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
    "001-model1": lambda: _card_001_large(512, 1_024),
    "001-model2": lambda: _card_001_large(128, 16),
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
    """The network `name` for the task's input; designed for 28 x 28 images and 10 classes."""
    return Architecture(task.input_shape, NETS[name]())


def start(task: Task) -> list[dict[str, object]]:  # noqa: ARG001 - the same for every task
    """Every network once, in the order of the write-ups."""
    return [{"net": name} for name in NETS]


def smallest(task: Task) -> Architecture:
    """The network with the fewest parameters."""
    return min((net(name, task) for name in NETS), key=lambda candidate: candidate.params)


def sample(trial: optuna.trial.BaseTrial, task: Task) -> Architecture:
    """Draw one of the networks."""
    return net(trial.suggest_categorical("net", list(NETS)), task)
