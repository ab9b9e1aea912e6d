"""The precision and the memory layout that a network is trained in."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor

from nas.training.device import precision

LAYOUTS = {"channels last": torch.channels_last, "contiguous": torch.contiguous_format}
PRECISIONS = {"bfloat16": torch.bfloat16, "float32": torch.float32}


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
    def memory_format(self) -> torch.memory_format:
        """The layout as torch calls it."""
        return LAYOUTS[self.layout]

    def arrange(self, images: Tensor) -> Tensor:
        """`images` (N, C, H, W) in the layout."""
        return images.contiguous(memory_format=self.memory_format)

    def context(self, device: torch.device) -> AbstractContextManager[object]:
        """Within it, a forward pass on `device` is computed in the precision."""
        if self.precision == "float32":
            return nullcontext()
        return torch.autocast(device.type, PRECISIONS[self.precision])


def by_hardware(device: torch.device, wanted: str) -> Arithmetic:
    """What a recipe's precision means on `device`, by its instructions: nothing is timed."""
    return Arithmetic(str(precision(device, wanted)).removeprefix("torch."))
