"""Prove that an export is the trained network, in a process without `nas`."""

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from nas.errors import ExportError
from nas.export import isolated
from nas.export.network import restore
from nas.export.subject import Subject

TOLERANCE = 1e-5  # relative to the largest output, or to 1 if that is smaller
MIN_AGREEMENT = 0.9  # share of images for which a rounded export predicts the same class
BATCH = 500  # images

# Number of parameters (None: not counted) and outputs, or the traceback of an export that failed.
Result = tuple[int | None, Tensor] | str


@dataclass(frozen=True, slots=True)
class Claim:
    """An export in `folder` that claims to be the network of `subject`."""

    subject: Subject
    format: str
    folder: Path
    rounded: bool = False  # must predict the same classes, not give the same outputs


@dataclass(frozen=True, slots=True)
class Proof:
    """The measurements of a proven export."""

    images: int
    error: float  # largest difference from an output of the trained network
    expected: Tensor  # the trained network's outputs (images, classes)
    outputs: Tensor  # the export's outputs (images, classes)


def prove(claims: Sequence[Claim], images: Tensor) -> list[Proof]:
    """Run the exports in one isolated process on `images` (N, C, H, W), normalised.

    An export must run, have exactly the architecture's number of parameters, and give the trained
    network's outputs to within `TOLERANCE`; a rounded one must agree with its classes for
    `MIN_AGREEMENT` of the images. Raises `ExportError` for the first export that fails.
    """
    expected = []
    for claim in claims:
        model = restore(claim.subject)
        with torch.no_grad():
            expected.append(torch.cat([model(part) for part in images.split(BATCH)]))
    results = _run_isolated([(c.format, str(c.folder.resolve()), images) for c in claims])
    return [_judge(*each) for each in zip(claims, expected, results, strict=True)]


def _run_isolated(requests: list[tuple[str, str, Tensor]]) -> list[Result]:
    with tempfile.TemporaryDirectory(prefix="nas-proof-") as folder:
        files = Path(folder) / "requests", Path(folder) / "results"
        torch.save(requests, files[0])
        # -P: isolated.py's folder is not on the path; -B: no __pycache__ in the export.
        command = [sys.executable, "-P", "-B", str(isolated.__file__), *map(str, files)]
        done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=folder)
        if done.returncode:
            raise ExportError(f"the proof did not run: {_last_line(done.stderr)}")
        results: list[Result] = torch.load(files[1])
        return results


def _judge(claim: Claim, expected: Tensor, result: Result) -> Proof:
    what = f"{claim.format} export of {claim.subject.title}"
    if isinstance(result, str):
        raise ExportError(f"{what} does not work: {_last_line(result)}: nothing was exported")
    params, outputs = result
    if params is not None and params != claim.subject.architecture.params:
        raise ExportError(
            f"{what} has {params:,} parameters and should have "
            f"{claim.subject.architecture.params:,}: nothing was exported"
        )
    if outputs.shape != expected.shape:
        raise ExportError(f"{what} gives outputs {tuple(outputs.shape)}: nothing was exported")
    error = float((outputs - expected).abs().max())
    agreement = float((outputs.argmax(1) == expected.argmax(1)).float().mean())
    if claim.rounded:
        if not agreement >= MIN_AGREEMENT:
            raise ExportError(
                f"{what} predicts the trained network's class for {agreement:.1%} of the images "
                f"and must for {MIN_AGREEMENT:.0%}: nothing was exported"
            )
        return Proof(len(expected), error, expected, outputs)
    allowed = TOLERANCE * max(1.0, float(expected.abs().max()))
    if not error <= allowed:  # also if it is NaN
        raise ExportError(
            f"{what} differs from the trained network by {error:.2g} and may by {allowed:.2g}: "
            "nothing was exported"
        )
    return Proof(len(expected), error, expected, outputs)


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no reason given"])[-1]
