"""The precision and the memory layout that a network is trained in; their names need no torch."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import Tensor

PRECISIONS = ("bfloat16", "float32")
LAYOUTS = {"channels last": "channels_last", "contiguous": "contiguous_format"}  # in torch


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """How a network is computed: names from `PRECISIONS` and `LAYOUTS`.

    With bfloat16 the weights stay in float32, and torch's autocast chooses what is computed in
    bfloat16. Neither changes what is trained beyond rounding.
    """

    precision: str
    layout: str = "channels last"

    def __str__(self) -> str:
        return f"{self.precision}, {self.layout}"

    @property
    def memory_format(self) -> "torch.memory_format":
        """The layout as torch calls it."""
        import torch

        memory_format: torch.memory_format = getattr(torch, LAYOUTS[self.layout])
        return memory_format

    def arrange(self, images: "Tensor") -> "Tensor":
        """`images` (N, C, H, W) in the layout."""
        return images.contiguous(memory_format=self.memory_format)

    def context(self, device: "torch.device") -> AbstractContextManager[object]:
        """Within it, a forward pass on `device` is computed in the precision."""
        if self.precision == "float32":
            return nullcontext()
        import torch

        return torch.autocast(device.type, getattr(torch, self.precision))
