"""Export as ONNX in int8: model.int8.onnx, for microcontrollers' tools and for onnxruntime."""

import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path

from torch import Tensor

from nas.errors import ExportError
from nas.export import onnx
from nas.export.subject import Subject

FILES = ("model.int8.onnx",)
CALIBRATED_AT_ONCE = 64  # images


def write(subject: Subject, folder: Path) -> list[str]:
    """Write model.int8.onnx into `folder`; returns its name.

    Post-training static quantisation, with onnxruntime's own tools: weights and activations are
    int8, the weights with a scale for each output channel, the activations with the range that they
    have on `subject.calibration`; stored as a network in float between pairs of QuantizeLinear and
    DequantizeLinear (Jacob et al., Quantization and Training of Neural Networks for Efficient
    Integer-Arithmetic-Only Inference, 2018). Input, output and metadata are those of
    `nas.export.onnx`.
    Raises `ExportError` without the extra `onnx`.
    """
    with tempfile.TemporaryDirectory(prefix="nas-int8-") as temporary:
        scratch = Path(temporary)
        onnx.write(subject, scratch)
        exact, prepared = scratch / onnx.FILES[0], scratch / "prepared.onnx"
        from onnxruntime import quantization

        quiet = logging.getLogger()
        before = quiet.level
        quiet.setLevel(logging.ERROR)  # onnxruntime's tools advise what has been done here
        try:
            # Its batch norms become a part of the convolutions before them.
            quantization.quant_pre_process(str(exact), str(prepared), skip_symbolic_shape=True)
            quantization.quantize_static(
                str(prepared),
                str(folder / FILES[0]),
                _reader(subject.calibration),
                per_channel=True,
                # Weights of 7 bits: x86 processors without VNNI add two products in 16 bits, which
                # those of 8 bits overflow.
                reduce_range=True,
                activation_type=quantization.QuantType.QInt8,
                weight_type=quantization.QuantType.QInt8,
            )
        finally:
            quiet.setLevel(before)
    onnx.describe(subject, folder / FILES[0])
    return list(FILES)


def _reader(images: Tensor | None) -> object:
    """What onnxruntime asks for images to see the activations' ranges on."""
    from onnxruntime.quantization import CalibrationDataReader

    if images is None or not len(images):
        raise ExportError("int8 needs images to be calibrated on")
    parts: Iterator[Tensor] = iter(images.split(CALIBRATED_AT_ONCE))

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def get_next(self) -> dict[str, object] | None:
            part = next(parts, None)
            return None if part is None else {"images": part.numpy()}

    return Reader()
