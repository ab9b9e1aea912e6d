"""Hand-made networks for MNIST to compare with, as their authors report them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reference:
    """A published point: test accuracy in percent, mostly one run that its test images chose."""

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
BY_DATASET = {"mnist": SEEDS}
