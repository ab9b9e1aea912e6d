"""Where the time of a training step goes.

    python benchmarks/step_profile.py [--device cpu]

The conv space's plain design for 8,000 parameters, one batch of the default recipe, one thread.
Prints a table by kind of work, from torch's profiler, and writes step_profile.csv beside this file.
"""

import argparse
from collections import defaultdict
from pathlib import Path

import pandas as pd
import torch
from throughput import RECIPE, data, net
from torch.profiler import ProfilerActivity, profile

from nas.data.images import Images, Split
from nas.training.device import resolve
from nas.training.fit import fit

STEPS = 40
KINDS = {
    "convolution, backward": ("convolution_backward",),
    "convolution, forward": ("convolution",),
    "batch norm, backward": ("batch_norm_backward",),
    "batch norm, forward": ("batch_norm",),
    "pooling": ("max_pool", "avg_pool", "adaptive"),
    "ReLU": ("threshold_backward", "clamp_min", "relu"),
    "augmentation": ("grid_sampl", "affine_grid", "aten::index", "aten::rand"),
    "optimizer": ("AdamW", "adam"),
    "loss": ("cross_entropy", "log_softmax", "nll_loss"),
}


def kind(operation: str) -> str:
    """Which of `KINDS` an operation is; the rest is small tensor work and Python around it."""
    for name, parts in KINDS.items():
        if any(part in operation for part in parts):
            return name
    return "the rest"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="auto")
    device = resolve(parser.parse_args().device)
    torch.set_num_threads(1)
    split = data(STEPS * RECIPE.batch_size).to(device)
    few = Images(split.train.pixels[:640], split.train.labels[:640])
    fit(net(), Split(few, split.held_out, split.normalizer), RECIPE, seed=0)
    activities = [ProfilerActivity.CPU]
    if device.type == "cuda":
        activities.append(ProfilerActivity.CUDA)
    with profile(activities=activities) as found:
        fit(net(), split, RECIPE, seed=0)
    on_device = device.type == "cuda"
    spent: dict[str, float] = defaultdict(float)
    for event in found.key_averages():
        micros = event.self_device_time_total if on_device else event.self_cpu_time_total
        spent[kind(event.key)] += micros
    total = sum(spent.values())
    table = pd.DataFrame(
        {"work": name, "ms a step": micros / 1e3 / STEPS, "%": 100 * micros / total}
        for name, micros in sorted(spent.items(), key=lambda item: -item[1])
    ).round({"ms a step": 2, "%": 1})
    table.insert(1, "device", str(device))
    table.to_csv(Path(__file__).with_suffix(".csv"), index=False)
    print(table.to_string(index=False))
    whole = total / 1e3 / STEPS
    print(f"{whole:.1f} ms a step of {RECIPE.batch_size} images, the profiler's own cost included")


if __name__ == "__main__":
    main()
