"""The precision that a recipe's setting means on a device."""

import torch


def dtype_for(device: torch.device, precision: str = "auto") -> torch.dtype:
    """The dtype to compute in: "auto" is bfloat16 on a CPU with instructions for it, else float32.

    A CPU without them emulates bfloat16, which is slower than float32. On a GPU, networks this
    small are limited by kernel launches, and casts are further kernels.
    """
    if precision != "auto":
        return torch.bfloat16 if precision == "bfloat16" else torch.float32
    native = device.type == "cpu" and (
        torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    )
    return torch.bfloat16 if native else torch.float32
