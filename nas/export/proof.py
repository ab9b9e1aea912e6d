"""The proof that an export is the trained network, given in a process that has no `nas`."""

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from nas.errors import ExportError
from nas.export import fresh
from nas.export.network import restore
from nas.export.subject import Subject

TOLERANCE = 1e-5  # of the largest output, or of 1 where all are smaller
AGREEMENT = 0.9  # of a rounded network with the trained one, at least
AT_ONCE = 500  # images


@dataclass(frozen=True, slots=True)
class Claim:
    """An export that says it is the network of `subject`."""

    subject: Subject
    format: str
    folder: Path
    rounded: bool = False  # its numbers are: it has to come to the same classes, mostly


@dataclass(frozen=True, slots=True)
class Proof:
    """What a proven export was measured with."""

    images: int
    error: float  # the largest difference of an output from the trained network's
    expected: Tensor  # the trained network's outputs (images, classes)
    outputs: Tensor  # and the export's


def prove(claims: Sequence[Claim], images: Tensor) -> list[Proof]:
    """Run each export in one fresh process on `images` (N, C, H, W), normalised.

    It must work, have exactly the architecture's parameters, and give the trained network's
    outputs, or, if it is rounded, nearly always its class. Raises `ExportError` for the first that
    does not.
    """
    expected = []
    for claim in claims:
        model = restore(claim.subject)
        with torch.no_grad():
            expected.append(torch.cat([model(part) for part in images.split(AT_ONCE)]))
    answers = _ask([(c.format, str(c.folder.resolve()), images) for c in claims])
    return [
        _judge(claim, wanted, answer)
        for claim, wanted, answer in zip(claims, expected, answers, strict=True)
    ]


def _ask(questions: list[tuple[str, str, Tensor]]) -> list[tuple[int | None, Tensor] | str]:
    with tempfile.TemporaryDirectory(prefix="nas-proof-") as folder:
        asked, answered = Path(folder) / "questions", Path(folder) / "answers"
        torch.save(questions, asked)
        # -P: nothing from beside fresh.py can be imported; -B: no __pycache__ in the export.
        command = [sys.executable, "-P", "-B", str(fresh.__file__), str(asked), str(answered)]
        done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=folder)
        if done.returncode:
            raise ExportError(f"the proof did not run: {_last_line(done.stderr)}")
        answers: list[tuple[int | None, Tensor] | str] = torch.load(answered)
        return answers


def _judge(claim: Claim, wanted: Tensor, answer: tuple[int | None, Tensor] | str) -> Proof:
    what = f"{claim.format} export of {claim.subject.title}"
    if isinstance(answer, str):
        raise ExportError(f"{what} does not work: {_last_line(answer)}: nothing was exported")
    params, got = answer
    if params is not None and params != claim.subject.architecture.params:
        raise ExportError(
            f"{what} has {params:,} parameters and should have "
            f"{claim.subject.architecture.params:,}: nothing was exported"
        )
    if got.shape != wanted.shape:
        raise ExportError(f"{what} gives outputs {tuple(got.shape)}: nothing was exported")
    error = float((got - wanted).abs().max())
    agreement = float((got.argmax(1) == wanted.argmax(1)).float().mean())
    if claim.rounded:
        if not agreement >= AGREEMENT:
            raise ExportError(
                f"{what} comes to the trained network's class for {agreement:.1%} of the images, "
                f"which has to be {AGREEMENT:.0%}: nothing was exported"
            )
        return Proof(len(wanted), error, wanted, got)
    allowed = TOLERANCE * max(1.0, float(wanted.abs().max()))
    if not error <= allowed:  # also where it is not a number
        raise ExportError(
            f"{what} differs from the trained network by {error:.2g} and may by {allowed:.2g}: "
            "nothing was exported"
        )
    return Proof(len(wanted), error, wanted, got)


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no reason given"])[-1]
