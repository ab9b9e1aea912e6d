"""What int8 costs: networks as `nas export --format onnx-int8` writes them, on held-out images.

    python benchmarks/int8.py STUDY [STUDY ...] [--min-accuracy 98] [--output int8.csv]

For each network of the studies' fronts from that accuracy on: its accuracy on all held-out images
as it was trained, in float32 by torch, and in int8 by onnxruntime. Writes a csv, a row a network.
No test image is read.
"""

import argparse
import tempfile
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor

from nas.data.images import load_split
from nas.export.export import export
from nas.records import choice
from nas.results.opened import opened
from nas.results.subjects import subject


def measured(study: str, least: float) -> list[dict[str, object]]:
    """A row for each network of the front of `study` from `least` percent on."""
    found = opened(study)
    config = found.config.located(None)
    data = load_split(config.data)
    images = data.normalizer(data.held_out.pixels.float() / 255)

    def accuracy(outputs: Tensor) -> float:
        return round(100 * float((outputs.argmax(1) == data.held_out.labels).float().mean()), 2)

    rows: list[dict[str, object]] = []
    for record in choice.from_accuracy(found.front, least):
        with tempfile.TemporaryDirectory() as folder:
            own = subject(found, record, config, data)
            proof = export(own, "onnx-int8", images, Path(folder) / "out").proof
        same = proof.outputs.argmax(1) == proof.expected.argmax(1)
        row: dict[str, object] = {"study": found.folder.name, "trial": record.number}
        row |= {"params": record.params, "float32": accuracy(proof.expected)}
        row |= {
            "int8": accuracy(proof.outputs),
            "same class": round(100 * float(same.float().mean()), 2),
        }
        rows.append(row | {"architecture": record.architecture.summary()})
        print(rows[-1], flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("studies", nargs="+", metavar="STUDY")
    parser.add_argument("--min-accuracy", type=float, default=98.0)
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".csv"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = [row for study in options.studies for row in measured(study, options.min_accuracy)]
    table = pd.DataFrame(rows)
    table.to_csv(options.output, index=False)
    lost = table["float32"] - table["int8"]
    print(f"lost in int8: mean {lost.mean():.3f}, most {lost.max():.2f} points, n = {len(table)}")


if __name__ == "__main__":
    main()
