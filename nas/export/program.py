"""Export as a `torch.export` program, which torch runs without Python source."""

from pathlib import Path

import torch

from nas.export.network import restore
from nas.export.subject import Subject

FILES = ("model.pt2",)


def write(subject: Subject, folder: Path) -> list[str]:
    """Write model.pt2 into `folder`; returns its name. It accepts any batch size."""
    torch.export.save(program(subject), folder / FILES[0])
    return list(FILES)


def program(subject: Subject) -> torch.export.ExportedProgram:
    """The trained network as an inference graph with a dynamic batch size."""
    example = torch.zeros(2, *subject.architecture.input_shape)
    batch = ({0: torch.export.Dim("batch")},)
    return torch.export.export(restore(subject), (example,), dynamic_shapes=batch)
