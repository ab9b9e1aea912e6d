"""Export as ONNX in int8, for onnxruntime and microcontroller toolchains."""

import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path

from torch import Tensor

from nas.errors import ExportError
from nas.export import onnx
from nas.export.subject import Subject

FILES = ("model.int8.onnx",)
CALIBRATION_BATCH = 64  # images


def write(subject: Subject, folder: Path) -> list[str]:
    """Write model.int8.onnx into `folder`; returns its name.

    Post-training static quantisation with onnxruntime's tools: int8 weights with a scale for each
    output channel, and int8 activations with their range on `subject.calibration` (Jacob et al.,
    Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference,
    2018). The file holds float operators between QuantizeLinear and DequantizeLinear pairs. Input,
    output and metadata are those of `nas.export.onnx`.

    Raises `ExportError` without the extra `onnx`, and without calibration images.
    """
    with tempfile.TemporaryDirectory(prefix="nas-int8-") as temporary:
        scratch = Path(temporary)
        onnx.write(subject, scratch)
        exact, prepared = scratch / onnx.FILES[0], scratch / "prepared.onnx"
        from onnxruntime import quantization

        root = logging.getLogger()
        before = root.level
        root.setLevel(logging.ERROR)  # onnxruntime recommends pre-processing, which is done here
        try:
            # Folds batch norm into the preceding convolutions.
            quantization.quant_pre_process(str(exact), str(prepared), skip_symbolic_shape=True)
            quantization.quantize_static(
                str(prepared),
                str(folder / FILES[0]),
                _reader(subject.calibration),
                per_channel=True,
                # 7-bit weights: x86 processors without VNNI add two products in 16 bits, which
                # overflows with 8-bit weights.
                reduce_range=True,
                activation_type=quantization.QuantType.QInt8,
                weight_type=quantization.QuantType.QInt8,
            )
        finally:
            root.setLevel(before)
    onnx.describe(subject, folder / FILES[0])
    return list(FILES)


def _reader(images: Tensor | None) -> object:
    """onnxruntime's calibration data reader over `images`."""
    from onnxruntime.quantization import CalibrationDataReader

    if images is None or not len(images):
        raise ExportError("int8 needs calibration images")
    parts: Iterator[Tensor] = iter(images.split(CALIBRATION_BATCH))

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def get_next(self) -> dict[str, object] | None:
            part = next(parts, None)
            return None if part is None else {"images": part.numpy()}

    return Reader()
