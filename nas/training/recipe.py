"""The settings of training. Imports no torch."""

from dataclasses import dataclass, replace

from nas.setting import check, setting
from nas.training.arithmetic import DTYPES
from nas.training.schedule import averaging_rates, learning_rates

MAX_EPOCHS = 15
SCHEDULES = ("restarts", "one-cycle")
PRECISION_CHOICES = ("auto", *DTYPES)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a candidate is trained. Raises `ConfigError` for values that cannot work."""

    epochs: int = setting(
        MAX_EPOCHS,
        f"Epochs a candidate trains, 1 to {MAX_EPOCHS}.",
        minimum=1,
        maximum=MAX_EPOCHS,
        flag="Candidates and training",
    )
    batch_size: int = setting(64, "Images a step; 16 for digits.", minimum=2, maximum=65_536)
    lr: float = setting(0.04, "Peak learning rate of AdamW.", minimum=1e-8, maximum=100)
    lr_without_norm: float = setting(
        0.25, "Factor on it for networks without batch norm.", minimum=1e-3, maximum=10
    )
    weight_decay: float = setting(1e-4, "Weight decay of AdamW.", minimum=0, maximum=10)
    schedule: str = setting(
        "one-cycle", "one-cycle, or restarts: cycles of 1 + 3 + 11 epochs.", choices=SCHEDULES
    )
    warmup: float = setting(
        0.2, "Share of a cycle in which the learning rate rises.", minimum=0, maximum=0.9
    )
    average: float = setting(
        1.0, "Epochs the weights are averaged over; 0: none.", minimum=0, maximum=MAX_EPOCHS
    )
    bn_images: int = setting(
        2_000,
        "Training images that batch norm's statistics are renewed from; 0: running averages.",
        minimum=0,
        maximum=1_000_000,
    )
    label_smoothing: float = setting(0.0, "Label smoothing.", minimum=0, maximum=0.9)
    rotation: float = setting(7.0, "Augmentation: degrees, each way.", minimum=0, maximum=180)
    shift: float = setting(1.5, "Augmentation: pixels, each way.", minimum=0, maximum=28)
    scale: float = setting(0.05, "Augmentation: relative, each way.", minimum=0, maximum=0.9)
    flip: float = setting(
        0.0, "Probability that an image is mirrored left to right.", minimum=0, maximum=1
    )
    fade: float = setting(
        0.33,
        "Share of the steps, the last, in which rotation, shift and scale fade.",
        minimum=0,
        maximum=1,
    )
    fade_above: float = setting(
        1.5,
        "Percent of training images wrong before that; with fewer it does not fade.",
        minimum=0,
        maximum=100,
    )
    precision: str = setting(
        "auto", "auto is bfloat16 on a CPU that has it, else float32.", choices=PRECISION_CHOICES
    )

    def __post_init__(self) -> None:
        check(self)

    def of_network(self, batch_norm: bool) -> "Recipe":
        """The recipe for a network with or without batch norm: `lr` is its peak learning rate."""
        lr = self.lr if batch_norm else self.lr_without_norm * self.lr
        return replace(self, lr=lr, lr_without_norm=1.0)

    @property
    def cycles(self) -> tuple[int, ...]:
        """Epochs of each learning-rate cycle; their sum is `epochs`.

        One cycle (Smith and Topin, Super-convergence, 2018), or warm restarts (Loshchilov and
        Hutter, SGDR, 2017) of 1, then 3, then the remaining epochs.
        """
        if self.schedule == "one-cycle" or self.epochs == 1:
            return (self.epochs,)
        if self.epochs < 8:
            return (1, self.epochs - 1)
        return (1, 3, self.epochs - 4)

    def learning_rates(self, steps_per_epoch: int) -> list[float]:
        """The learning rate of every step."""
        return learning_rates(self.lr, self.warmup, self.cycles, steps_per_epoch)

    def averaging_rates(self, steps_per_epoch: int) -> list[float]:
        """The rate of the weights' moving average at every step; zeros without an average."""
        if not self.average:
            return [0.0] * (self.epochs * steps_per_epoch)
        return averaging_rates(self.average, self.epochs, steps_per_epoch)
