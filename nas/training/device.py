"""Which device to train on, and in which precision."""

import torch

from nas.errors import DeviceError
from nas.training.arithmetic import Arithmetic
from nas.training.device_name import check_device


def resolve(name: str) -> torch.device:
    """The device called `name`: `auto` (CUDA, else MPS, else CPU), `cpu`, `cuda`, `cuda:1`, `mps`.

    Raises `DeviceError` for an unknown name and for a device that is not there.
    """
    check_device(name)
    kind, _, index = name.partition(":")
    here = available()
    if kind == "auto":
        return torch.device(here[0])
    if kind not in here:
        raise DeviceError(f"--device {name} is not on this machine: there is {', '.join(here)}")
    if index and int(index) >= torch.cuda.device_count():
        count = torch.cuda.device_count()
        raise DeviceError(
            f"--device {name} is not on this machine: it has {count} CUDA devices, from cuda:0"
        )
    return torch.device(name)


def available() -> list[str]:
    """The kinds of device on this machine, the fastest first."""
    here = []
    if torch.cuda.is_available():
        here.append("cuda")
    if torch.backends.mps.is_available():
        here.append("mps")
    return [*here, "cpu"]


def describe(device: torch.device) -> str:
    """The device as a person knows it: `cuda (NVIDIA H200)`."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return str(device)


def precision(device: torch.device, wanted: str = "auto") -> torch.dtype:
    """The type of the arithmetic: `auto` is bfloat16 on a CPU with instructions for it.

    On one without them bfloat16 is emulated and slower than float32. On a GPU networks this small
    wait for their kernels to start, and casts are kernels too.
    """
    if wanted != "auto":
        return torch.bfloat16 if wanted == "bfloat16" else torch.float32
    native = device.type == "cpu" and (
        torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    )
    return torch.bfloat16 if native else torch.float32


def by_hardware(device: torch.device, wanted: str) -> Arithmetic:
    """What a recipe's precision means on `device`, by its instructions: nothing is timed.

    On CUDA float32 is the fastest in torch's own layout (benchmarks/gpu.csv); cuDNN computes its
    convolutions in TF32.
    """
    chosen = str(precision(device, wanted)).removeprefix("torch.")
    if device.type == "cuda" and chosen == "float32":
        return Arithmetic(chosen, "contiguous")
    return Arithmetic(chosen)
