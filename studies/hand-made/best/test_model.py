"""What a grader of the challenge looks at. Run: pytest test_model.py, or python test_model.py."""

import torch
from model import Net
from torch import nn
from weights import load

PARAMETERS = 10_814
BUDGET = 50_000
INPUT_SHAPE: tuple[int, ...] = (1, 28, 28)
OUTPUTS = 10
BATCH_NORM = True
DROPOUT = True
GLOBAL_AVERAGE_POOLING = False
LINEAR = False


def uses(*kinds: type[nn.Module]) -> bool:
    """Whether the network has a layer of one of these kinds."""
    return any(isinstance(module, kinds) for module in Net().modules())


def test_parameters_are_what_is_claimed_and_within_the_budget() -> None:
    total = sum(p.numel() for p in Net().parameters() if p.requires_grad)
    assert total == PARAMETERS
    assert total <= BUDGET


def test_one_output_a_class() -> None:
    net = Net().eval()
    assert net(torch.zeros(4, *INPUT_SHAPE)).shape == (4, OUTPUTS)


def test_it_uses_the_layers_that_are_claimed_and_no_others() -> None:
    assert uses(nn.BatchNorm1d, nn.BatchNorm2d) == BATCH_NORM
    assert uses(nn.Dropout, nn.Dropout2d) == DROPOUT
    assert uses(nn.AdaptiveAvgPool2d) == GLOBAL_AVERAGE_POOLING
    assert uses(nn.Linear) == LINEAR


def test_the_weights_fit() -> None:
    assert torch.isfinite(load()(torch.zeros(1, *INPUT_SHAPE))).all()


if __name__ == "__main__":
    for name, check in list(globals().items()):
        if name.startswith("test_"):
            check()
            print(f"passed: {name}")
