"""Run exports in a process in which `nas` cannot be imported.

    python isolated.py REQUESTS RESULTS

REQUESTS is a file with a `torch.save`d list of (format, folder, inputs). RESULTS will be one with
the list of (number of parameters or None, outputs), or the traceback of an export that fails.
"""

import importlib
import sys
import traceback
from pathlib import Path

import torch

BATCH = 500  # images


def python(folder: str, inputs: torch.Tensor) -> tuple[int | None, torch.Tensor]:
    """Outputs of the network that weights.py loads.

    Also runs the checks in test_model.py, and imports train.py.
    """
    sys.path.insert(0, folder)
    try:
        net = importlib.import_module("weights").load()
        importlib.import_module("train")
        checks = vars(importlib.import_module("test_model"))
        for name in checks:
            if name.startswith("test_"):
                checks[name]()
        return sum(p.numel() for p in net.parameters()), net(inputs)
    finally:
        sys.path.remove(folder)
        names = {path.stem for path in Path(folder).iterdir()}
        for module in [name for name in sys.modules if name.partition(".")[0] in names]:
            del sys.modules[module]


def onnx(folder: str, inputs: torch.Tensor) -> tuple[int | None, torch.Tensor]:
    """onnxruntime's outputs. Parameters are not counted, because batch norm is folded in."""
    from onnxruntime import InferenceSession

    session = InferenceSession(f"{folder}/model.onnx", providers=["CPUExecutionProvider"])
    (outputs,) = session.run(None, {"images": inputs.numpy()})
    return None, torch.from_numpy(outputs)


def onnx_int8(folder: str, inputs: torch.Tensor) -> tuple[int | None, torch.Tensor]:
    """onnxruntime's outputs, from int8 kernels where it has them. Parameters are not counted."""
    from onnxruntime import InferenceSession

    session = InferenceSession(f"{folder}/model.int8.onnx", providers=["CPUExecutionProvider"])
    parts = [session.run(None, {"images": part.numpy()})[0] for part in inputs.split(BATCH)]
    return None, torch.cat([torch.from_numpy(part) for part in parts])


def program(folder: str, inputs: torch.Tensor) -> tuple[int | None, torch.Tensor]:
    """Outputs of the loaded program."""
    loaded = torch.export.load(f"{folder}/model.pt2")
    # By address, because a shared weight has a name for each layer.
    weights = {weight.data_ptr(): weight.numel() for weight in loaded.parameters()}
    return sum(weights.values()), loaded.module()(inputs)


FORMATS = {"python": python, "onnx": onnx, "onnx-int8": onnx_int8, "torch": program}


def main() -> None:
    """Run all requests."""
    for name in ("nas", "search_spaces"):
        sys.modules[name] = None  # type: ignore[assignment]  # makes importing it fail
    torch.set_num_threads(1)
    results: list[object] = []
    for name, folder, inputs in torch.load(sys.argv[1]):
        try:
            with torch.no_grad():
                results.append(FORMATS[name](folder, inputs))
        except Exception:
            results.append(traceback.format_exc())
    torch.save(results, sys.argv[2])


if __name__ == "__main__":
    main()
