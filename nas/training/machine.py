"""What a machine trains on and how: what its supervisor has to know, which has no torch itself."""

from dataclasses import dataclass

from nas.training.arithmetic import Arithmetic
from nas.training.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Machine:
    """The devices that a study's workers on one machine use."""

    device: str  # as torch calls it; `cuda` is all GPUs
    label: str  # the same as a person knows it
    gpus: int  # how many they are, if CUDA devices
    arithmetic: Arithmetic

    def __str__(self) -> str:
        return f"{self.label}, {self.arithmetic}"


def machine(device: str, recipe: Recipe) -> Machine:
    """This machine with the device that the user calls `device`. Imports torch.

    Raises `DeviceError` for an unknown name and for a device that is not there.
    """
    import torch

    from nas.training.device import describe, resolve
    from nas.training.tuning import arithmetic_for

    found = resolve(device)
    gpus = 0
    if found.type == "cuda":
        gpus = torch.cuda.device_count() if found.index is None else 1
    return Machine(str(found), describe(found), gpus, arithmetic_for(found, recipe))
