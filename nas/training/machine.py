"""The device and arithmetic of a machine, as values for its supervisor, which loads no torch."""

from dataclasses import dataclass

from nas.training.arithmetic import Arithmetic
from nas.training.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Machine:
    """The devices that a study's workers on one machine use."""

    device: str  # torch's name; `cuda` means all GPUs
    label: str  # with the product name, see `nas.training.device.describe`
    gpus: int  # number of CUDA devices, else 0
    arithmetic: Arithmetic

    def __str__(self) -> str:
        return f"{self.label}, {self.arithmetic}"


def machine(device: str, recipe: Recipe) -> Machine:
    """This machine, training on the `device` that the user named. Imports torch.

    Raises `DeviceError` for an unknown name, and for a device that this machine does not have.
    """
    import torch

    from nas.training.device import describe, resolve
    from nas.training.tuning import arithmetic_for

    found = resolve(device)
    gpus = 0
    if found.type == "cuda":
        gpus = torch.cuda.device_count() if found.index is None else 1
    return Machine(str(found), describe(found), gpus, arithmetic_for(found, recipe))
