"""Choose the device, and the arithmetic that suits its hardware."""

import torch

from nas.errors import DeviceError
from nas.training.arithmetic import Arithmetic
from nas.training.device_name import check_device
from nas.training.precision import dtype_for


def resolve(name: str) -> torch.device:
    """The device called `name`: `auto` (CUDA, else MPS, else CPU), `cpu`, `cuda`, `cuda:1`, `mps`.

    Raises `DeviceError` for an unknown name, and for a device that this machine does not have.
    """
    check_device(name)
    kind, _, index = name.partition(":")
    kinds = available()
    if kind == "auto":
        return torch.device(kinds[0])
    if kind not in kinds:
        raise DeviceError(f"--device {name} is not on this machine: there is {', '.join(kinds)}")
    if index and int(index) >= torch.cuda.device_count():
        count = torch.cuda.device_count()
        raise DeviceError(
            f"--device {name} is not on this machine: it has {count} CUDA devices, from cuda:0"
        )
    return torch.device(name)


def available() -> list[str]:
    """The kinds of device on this machine, fastest first."""
    kinds = []
    if torch.cuda.is_available():
        kinds.append("cuda")
    if torch.backends.mps.is_available():
        kinds.append("mps")
    return [*kinds, "cpu"]


def describe(device: torch.device) -> str:
    """The device with its product name: `cuda (NVIDIA H200)`."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return str(device)


def by_hardware(device: torch.device, precision: str) -> Arithmetic:
    """The arithmetic for a recipe's `precision` on `device`, from its instructions, untimed.

    On CUDA, float32 is fastest in the contiguous layout (benchmarks/gpu.csv); cuDNN computes its
    convolutions in TF32.
    """
    dtype = str(dtype_for(device, precision)).removeprefix("torch.")
    if device.type == "cuda" and dtype == "float32":
        return Arithmetic(dtype, "contiguous")
    return Arithmetic(dtype)
