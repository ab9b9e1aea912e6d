"""Check the claims in settings.py. Run pytest test_model.py, or python test_model.py."""

import settings
import torch
from model import Net
from torch import nn
from weights import load


def uses(*kinds: type[nn.Module]) -> bool:
    """Whether the network has a layer of one of these kinds."""
    return any(isinstance(module, kinds) for module in Net().modules())


def test_parameters_are_what_is_claimed_and_within_the_budget() -> None:
    total = sum(p.numel() for p in Net().parameters() if p.requires_grad)
    assert total == settings.PARAMETERS
    assert total <= settings.BUDGET


def test_one_output_per_class() -> None:
    net = Net().eval()
    assert net(torch.zeros(4, *settings.INPUT_SHAPE)).shape == (4, settings.OUTPUTS)


def test_the_layers_are_what_is_claimed() -> None:
    assert uses(nn.BatchNorm1d, nn.BatchNorm2d) == settings.BATCH_NORM
    assert uses(nn.Dropout, nn.Dropout2d) == settings.DROPOUT
    assert uses(nn.AdaptiveAvgPool2d) == settings.GLOBAL_AVERAGE_POOLING
    assert uses(nn.Linear) == settings.LINEAR


def test_the_weights_fit() -> None:
    assert torch.isfinite(load()(torch.zeros(1, *settings.INPUT_SHAPE))).all()


if __name__ == "__main__":
    for name, check in list(globals().items()):
        if name.startswith("test_"):
            check()
            print(f"passed: {name}")
