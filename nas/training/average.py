"""The average of a network's weights over the steps of its training."""

import copy

import torch
from torch import Tensor, nn


class Average:
    """A network of its own, whose weights and batch norm statistics follow another's: after each
    step they go a share of the way to them.

    With a steady share that is an exponential moving average, which stands near to where the
    other would come to if its learning rate were annealed now (Polyak and Juditsky, 1992;
    Tarvainen and Valpola, Mean teachers, 2017).
    """

    def __init__(self, model: nn.Module) -> None:
        self.network = copy.deepcopy(model)
        self._own, self._other = (
            [
                value
                for value in (*whose.parameters(), *whose.buffers())
                if value.is_floating_point()
            ]
            for whose in (self.network, model)
        )

    @torch.no_grad()
    def step(self, share: float | Tensor) -> None:
        """Go `share` of the way, a number or a scalar on the network's device."""
        apart = torch._foreach_sub(self._other, self._own)
        torch._foreach_mul_(apart, share)
        torch._foreach_add_(self._own, apart)
