"""Export as ONNX in float32, for onnxruntime and embedded toolchains."""

import logging
from pathlib import Path

from nas.errors import ExportError
from nas.export.subject import Subject

FILES = ("model.onnx",)


def write(subject: Subject, folder: Path) -> list[str]:
    """Write model.onnx into `folder`; returns its name.

    Input `images` (N, C, H, W), normalised; output `logits`. The normalisation is in the model's
    metadata. Raises `ExportError` without the extra `onnx`.
    """
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401 - used by the proof
        import onnxscript  # noqa: F401 - used by torch
    except ImportError as error:
        raise ExportError(
            f"--format onnx needs {error.name}: pip install onnx onnxruntime onnxscript"
        ) from None
    import torch

    from nas.export.network import restore

    example = torch.zeros(2, *subject.architecture.input_shape)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    program = torch.onnx.export(
        restore(subject),
        (example,),
        dynamo=True,
        verbose=False,
        input_names=["images"],
        output_names=["logits"],
        dynamic_shapes=({0: "batch"},),
    )
    assert program is not None
    program.save(str(folder / FILES[0]))
    describe(subject, folder / FILES[0])
    return list(FILES)


def describe(subject: Subject, file: Path) -> None:
    """Add the title and the normalisation to the metadata of the model in `file`, and check it."""
    import onnx

    model = onnx.load(file)
    metadata = {"title": subject.title, "mean": str(subject.mean), "std": str(subject.std)}
    onnx.helper.set_model_props(model, metadata)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, file)
