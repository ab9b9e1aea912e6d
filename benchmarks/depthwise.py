"""What `nas.training.depthwise` is worth: a depthwise convolution, forward and backward.

    taskset -c 0 python benchmarks/depthwise.py

One thread, batches of 64, channels last, in milliseconds, the median of 15; torch's own and ours in
turns. Writes depthwise.csv beside this file.
"""

import time
from itertools import product
from pathlib import Path
from statistics import median

import pandas as pd
import torch
from torch import Tensor, nn

from nas.search.processes import settle
from nas.training.depthwise import quicken

ROUNDS = 15
SHAPES = ((49, 26), (16, 26), (32, 13), (50, 6))  # channels, and the map's height and width


def seconds(convolution: nn.Module, images: Tensor, precision: torch.dtype) -> float:
    """A forward and a backward pass."""
    start = time.perf_counter()
    with torch.autocast("cpu", precision, enabled=precision != torch.float32):
        output = convolution(images)
    output.backward(torch.ones_like(output))
    return time.perf_counter() - start


def main() -> None:
    settle(None)
    rows = []
    for precision, (channels, size), kernel, stride in product(
        (torch.bfloat16, torch.float32), SHAPES, (3, 5), (1, 2)
    ):
        pair = [
            nn.Conv2d(channels, channels, kernel, stride, kernel // 2, groups=channels, bias=False)
            for _ in range(2)
        ]
        quicken(pair[1])
        images = torch.randn(64, channels, size, size, dtype=precision)
        images = images.to(memory_format=torch.channels_last).requires_grad_()
        times = [[seconds(one, images, precision) for one in pair] for _ in range(2 + ROUNDS)]
        torchs, ours = (1e3 * median(values) for values in zip(*times[2:], strict=True))
        rows.append(
            {
                "precision": str(precision).removeprefix("torch."),
                "channels": channels,
                "map": size,
                "kernel": kernel,
                "stride": stride,
                "torch, ms": round(torchs, 2),
                "ours, ms": round(ours, 2),
                "ratio": round(torchs / ours, 2),
            }
        )
    table = pd.DataFrame(rows)
    table.to_csv(Path(__file__).with_suffix(".csv"), index=False)
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
