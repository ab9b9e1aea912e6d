"""Moving average of a network's weights during training."""

import copy

import torch
from torch import Tensor, nn


class Average:
    """A copy of `model` whose weights and batch norm statistics are a moving average of `model`'s.

    With a constant rate it is an exponential moving average, which is close to the weights that
    annealing the learning rate at this point would give (Polyak and Juditsky, 1992; Tarvainen and
    Valpola, Mean teachers are better role models, 2017).
    """

    def __init__(self, model: nn.Module) -> None:
        self.network = copy.deepcopy(model)
        self._averages, self._values = (
            [
                value
                for value in (*network.parameters(), *network.buffers())
                if value.is_floating_point()
            ]
            for network in (self.network, model)
        )

    @torch.no_grad()
    def step(self, rate: float | Tensor) -> None:
        """Move the average towards the model: average += rate * (model - average).

        `rate` is a number, or a scalar on the network's device.
        """
        difference = torch._foreach_sub(self._values, self._averages)
        torch._foreach_mul_(difference, rate)
        torch._foreach_add_(self._averages, difference)
