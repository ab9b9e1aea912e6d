"""Published networks for MNIST to compare with, as their authors report them."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reference:
    """A reported network: its test accuracy in percent, mostly of one run."""

    name: str
    params: int
    accuracy: float


# The write-ups that `search_spaces/seeds.py` rebuilds.
SEEDS = (
    Reference("000, model 1", 15_650, 99.08),
    Reference("000, model 2", 14_960, 98.95),
    Reference("001", 10_700, 99.15),
    Reference("002", 10_540, 99.40),
    Reference("003, step 1", 40_202, 99.09),
    Reference("003, step 2", 8_582, 99.22),
    Reference("003, step 3", 8_442, 99.41),
    Reference("004", 19_712, 99.44),
)
# Other networks for the same challenge, after the last of at most 15 epochs in their logs. Most of
# them were chosen by test accuracy.
PUBLISHED = tuple(
    Reference("published", params, accuracy)
    for params, accuracy in {
        3_252: 97.91,
        4_572: 98.19,
        5_228: 99.12,
        6_128: 99.44,
        7_074: 99.46,
        7_432: 99.51,
        7_752: 99.55,
        9_994: 99.60,
    }.items()
)
# By data set, and by their name in a figure.
BY_DATASET: Mapping[str, Mapping[str, tuple[Reference, ...]]] = {
    "mnist": {
        "hand-made, write-ups (claimed, test)": SEEDS,
        "published, at most 15 epochs (claimed, test)": PUBLISHED,
    }
}
