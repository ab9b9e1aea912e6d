"""The gate's judgement and what the sampler is told."""

from nas.architecture import Architecture, Conv, Flatten, GlobalAvgPool, Limits
from nas.pruning import gate

NET = Architecture((1, 28, 28), (Conv(10), GlobalAvgPool(), Flatten()))  # 100 parameters


def test_a_candidate_at_the_limit_passes_and_one_above_does_not() -> None:
    assert gate.excess(NET, Limits(100)) == ""
    assert gate.excess(NET, Limits(99)) == "100 parameters > 99"
    assert gate.violations(NET, Limits(100)) == {"params": 0}
    assert gate.violations(NET, Limits(80)) == {"params": 0.25}


def test_a_candidate_may_be_too_small() -> None:
    assert gate.shortfall(NET, Limits(200, min_params=100)) == ""
    assert gate.shortfall(NET, Limits(200, min_params=101)) == "100 parameters < 101"
    assert gate.violations(NET, Limits(200, min_params=150)) == {"params": -0.5, "min_params": 0.5}
    assert gate.shortfall(NET, Limits(200)) == ""


def test_every_limit_that_is_set_counts() -> None:
    limits = Limits(50, macs=NET.macs, ram=NET.ram("int8") - 1)
    assert gate.excess(NET, limits) == "100 parameters > 50, 8,624 bytes of int8 RAM > 8,623"
    violated = gate.violations(NET, limits)
    assert set(violated) == {"params", "macs", "ram"}
    assert violated["params"] == 1
    assert violated["macs"] == 0
    assert violated["ram"] > 0
