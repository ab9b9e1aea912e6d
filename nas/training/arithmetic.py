"""Precision and memory layout of the computation. Importing this module does not import torch."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import Tensor

DTYPES = ("bfloat16", "float32")
LAYOUTS = {"channels last": "channels_last", "contiguous": "contiguous_format"}  # name in torch


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """How a network is computed: a precision from `DTYPES` and a memory layout from `LAYOUTS`.

    Weights are always stored in float32. With bfloat16, torch's autocast chooses which operations
    run in bfloat16. Results differ between arithmetics by rounding only.
    """

    precision: str
    layout: str = "channels last"

    def __str__(self) -> str:
        return f"{self.precision}, {self.layout}"

    @property
    def memory_format(self) -> "torch.memory_format":
        """The layout as a torch constant."""
        import torch

        memory_format: torch.memory_format = getattr(torch, LAYOUTS[self.layout])
        return memory_format

    def arrange(self, images: "Tensor") -> "Tensor":
        """`images` (N, C, H, W) in this memory layout."""
        return images.contiguous(memory_format=self.memory_format)

    def context(self, device: "torch.device") -> AbstractContextManager[object]:
        """Context manager in which a forward pass on `device` uses this precision."""
        if self.precision == "float32":
            return nullcontext()
        import torch

        return torch.autocast(device.type, getattr(torch, self.precision))
