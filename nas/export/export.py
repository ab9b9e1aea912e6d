"""Export a trained candidate: written aside, proven, and only then put in its place."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from torch import Tensor

from nas.errors import ExportError
from nas.export import onnx, onnx_int8, program, python
from nas.export.proof import Claim, Proof, prove
from nas.export.subject import Subject

IMAGES = 64  # real ones, that an export is proven on
FORMATS: dict[str, ModuleType] = {
    "python": python,
    "onnx": onnx,
    "onnx-int8": onnx_int8,
    "torch": program,
}
ROUNDED = ("onnx-int8",)


@dataclass(frozen=True, slots=True)
class Export:
    """A proven export."""

    folder: Path
    files: list[str]
    proof: Proof


def export(subject: Subject, format: str, images: Tensor, folder: Path) -> Export:
    """Export `subject` into `folder` and prove it on `images` (N, C, H, W), normalised.

    An earlier export in `folder` is replaced. Raises `ExportError` if the proof fails, or if
    `folder` holds anything else; nothing is left behind or changed then.
    """
    _check_free(folder)
    aside = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        aside.mkdir(parents=True)
        files = FORMATS[format].write(subject, aside)
        (proof,) = prove([Claim(subject, format, aside, format in ROUNDED)], images)
        if folder.exists():
            old = folder.with_name(f"{aside.name}.old")
            folder.rename(old)
            aside.rename(folder)
            shutil.rmtree(old)
        else:
            aside.rename(folder)
    except OSError as error:
        raise ExportError(
            f"{folder} cannot be written ({error.strerror}): choose another -o"
        ) from None
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return Export(folder, files, proof)


def _check_free(folder: Path) -> None:
    """Raise `ExportError` if `folder` holds something that no export has written."""
    if folder.is_dir() and not folder.is_symlink():
        known = {name for module in FORMATS.values() for name in module.FILES}
        known |= {"__pycache__", ".pytest_cache", ".ruff_cache"}  # what running it leaves behind
        other = sorted(path.name for path in folder.iterdir() if path.name not in known)
        if not other:
            return
        raise ExportError(
            f"{folder} holds {other[0]}, which is no export of nas: choose another -o"
        )
    if folder.exists() or folder.is_symlink():
        raise ExportError(f"{folder} is there and is no folder: choose another -o")
