"""How a candidate is trained: values only, no torch."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from math import cos, pi

from nas.errors import ConfigError, unknown

MAX_EPOCHS = 15
SCHEDULES = ("restarts", "one-cycle")
PRECISIONS = ("auto", "float32", "bfloat16")


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a candidate is trained. Raises `ConfigError` for values that cannot work."""

    epochs: int = MAX_EPOCHS  # in all; at most 15
    batch_size: int = 64
    lr: float = 0.04  # AdamW's peak learning rate
    lr_without_norm: float = 0.25  # what it is multiplied by if the network has no batch norm
    weight_decay: float = 1e-4
    schedule: str = "one-cycle"  # or restarts: cycles of 1 + 3 + 11 epochs
    warmup: float = 0.2  # share of a cycle in which the learning rate rises
    average: float = 1.0  # epochs that the network's weights are averaged over; 0: none
    bn_images: int = 2_000  # training images that batch norm is measured with; 0: see `Measuring`
    label_smoothing: float = 0.0
    rotation: float = 7.0  # degrees, each way
    shift: float = 1.5  # pixels, each way
    scale: float = 0.05  # relative, each way
    flip: float = 0.0  # probability that an image is mirrored left to right
    fade: float = 0.33  # share of the steps, the last, in which augmentation but flip fades
    fade_above: float = 1.5  # percent of training images wrong until then; with fewer it does not
    precision: str = "auto"  # bfloat16 on a CPU that has it, else float32

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            kind = type(field.default)
            allowed = (int, float) if kind is float else (kind,)
            if isinstance(value, bool) or not isinstance(value, allowed):
                raise ConfigError(
                    f"{field.name} = {value!r}: it is a {_KIND[kind]}, such as {field.default!r}"
                )
        _check_choice("schedule", self.schedule, SCHEDULES)
        _check_choice("precision", self.precision, PRECISIONS)
        _check_range("epochs", self.epochs, 1, MAX_EPOCHS)
        _check_range("batch_size", self.batch_size, 2, 65_536)
        _check_range("lr", self.lr, 1e-8, 100)
        _check_range("lr_without_norm", self.lr_without_norm, 1e-3, 10)
        _check_range("weight_decay", self.weight_decay, 0, 10)
        _check_range("warmup", self.warmup, 0, 0.9)
        _check_range("average", self.average, 0, MAX_EPOCHS)
        _check_range("bn_images", self.bn_images, 0, 1_000_000)
        _check_range("label_smoothing", self.label_smoothing, 0, 0.9)
        _check_range("rotation", self.rotation, 0, 180)
        _check_range("shift", self.shift, 0, 28)
        _check_range("scale", self.scale, 0, 0.9)
        _check_range("flip", self.flip, 0, 1)
        _check_range("fade", self.fade, 0, 1)
        _check_range("fade_above", self.fade_above, 0, 100)

    def of_network(self, batch_norm: bool) -> "Recipe":
        """The recipe of one network, with or without batch norm: its peak learning rate is `lr`."""
        lr = self.lr if batch_norm else self.lr_without_norm * self.lr
        return replace(self, lr=lr, lr_without_norm=1.0)

    @property
    def cycles(self) -> tuple[int, ...]:
        """Epochs of each learning-rate cycle; they add up to `epochs`.

        One (Smith and Topin, Super-convergence, 2018), or warm restarts (Loshchilov and Hutter,
        SGDR, 2017) of 1, then 3, then the remaining epochs.
        """
        if self.schedule == "one-cycle" or self.epochs == 1:
            return (self.epochs,)
        if self.epochs < 8:
            return (1, self.epochs - 1)
        return (1, 3, self.epochs - 4)

    def learning_rates(self, steps_per_epoch: int) -> list[float]:
        """The learning rate of every step; see `learning_rates`."""
        return learning_rates(self.lr, self.warmup, self.cycles, steps_per_epoch)

    def shares(self, steps_per_epoch: int) -> list[float]:
        """How far the average goes towards the weights after every step; see `shares`."""
        return shares(self.average, self.epochs, steps_per_epoch)


def learning_rates(
    peak: float, warmup: float, cycles: Sequence[int], steps_per_epoch: int
) -> list[float]:
    """The learning rate of every step: per cycle a linear rise from a tenth of the peak, then
    half a cosine down to zero."""
    rates = []
    for epochs in cycles:
        steps = epochs * steps_per_epoch
        rise = int(warmup * steps)
        fall = steps - rise
        rates += [peak * (0.1 + 0.9 * step / rise) for step in range(rise)]
        rates += [peak * (1 + cos(pi * step / fall)) / 2 for step in range(1, fall + 1)]
    return rates


def shares(average: float, epochs: int, steps_per_epoch: int) -> list[float]:
    """How far an average over `average` epochs goes towards the weights after every step.

    At first it goes further, as there is less to remember: it never looks back over more than about
    a ninth of the steps so far.
    """
    steps = range(1, epochs * steps_per_epoch + 1)
    return [max(min(1.0, 1 / (average * steps_per_epoch)), 9 / (9 + step)) for step in steps]


_KIND = {int: "whole number", float: "number", str: "word"}


def _check_choice(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ConfigError(unknown(name, value, known))


def _check_range(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ConfigError(f"{name} = {value!r}: it goes from {low} to {high}")
