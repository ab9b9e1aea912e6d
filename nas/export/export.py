"""Export a trained candidate: write it to a temporary folder, prove it, then move it."""

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

IMAGES = 64  # real images that an export is proven on
FORMATS: dict[str, ModuleType] = {
    "python": python,
    "onnx": onnx,
    "onnx-int8": onnx_int8,
    "torch": program,
}
ROUNDED = ("onnx-int8",)  # formats whose outputs differ by more than float rounding


@dataclass(frozen=True, slots=True)
class Export:
    """A proven export."""

    folder: Path
    files: list[str]
    proof: Proof


def export(subject: Subject, format: str, images: Tensor, folder: Path) -> Export:
    """Export `subject` into `folder` and prove it on `images` (N, C, H, W), normalised.

    Replaces an earlier export in `folder`. Raises `ExportError` if the proof fails or if `folder`
    holds other files; then nothing is changed and no file is left behind.
    """
    _check_free(folder)
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        temporary.mkdir(parents=True)
        files = FORMATS[format].write(subject, temporary)
        (proof,) = prove([Claim(subject, format, temporary, format in ROUNDED)], images)
        if folder.exists():
            old = folder.with_name(f"{temporary.name}.old")
            folder.rename(old)
            temporary.rename(folder)
            shutil.rmtree(old)
        else:
            temporary.rename(folder)
    except OSError as error:
        raise ExportError(
            f"{folder} cannot be written ({error.strerror}): choose another -o"
        ) from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return Export(folder, files, proof)


def _check_free(folder: Path) -> None:
    """Raise `ExportError` if `folder` holds a file that no export writes, or is no folder."""
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise ExportError(f"{folder} exists and is no folder: choose another -o")
    names = [Path(name) for module in FORMATS.values() for name in module.FILES]
    known = {*names, *(parent for name in names for parent in name.parents)}
    caches = {"__pycache__", ".pytest_cache", ".ruff_cache"}  # left by running an export
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if name not in known and not caches & set(name.parts):
            raise ExportError(
                f"{folder} holds {name}, which is no export of nas: choose another -o"
            )
