"""Export as Python source: a folder that needs torch and torchvision, and nothing of ours."""

import ast
import inspect
import json
import re
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Any

from nas.architecture import BatchNorm, GlobalAvgPool, Linear
from nas.architecture import Dropout as DropoutLayer
from nas.architecture.layers import ChannelDropout
from nas.data import Dataset
from nas.export import source
from nas.export.subject import Subject

FILES = (
    "model.py",
    "weights.py",
    "train.py",
    "test_model.py",
    "README.md",
    "architecture.json",
    "depthwise.py",
    "weights.safetensors",
)


def write(subject: Subject, folder: Path) -> list[str]:
    """Write the files of the export into `folder`; returns their names."""
    from nas.architecture.module import build
    from nas.training import depthwise

    quickened = bool(depthwise.slow(build(subject.architecture)))
    texts = {
        "model.py": source.model(subject.architecture, subject.title, subject.mean, subject.std),
        "weights.py": _own("weights.py"),
        "train.py": _train(subject, quickened),
        "test_model.py": _set(_own("test_model.py"), _facts(subject)),
        "README.md": _readme(subject, quickened),
        "architecture.json": json.dumps(subject.architecture.to_json(), indent=1) + "\n",
    }
    if quickened:
        texts["depthwise.py"] = _source(depthwise)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "weights.safetensors").write_bytes(subject.weights.read_bytes())
    return [name for name in FILES if name in texts or name == "weights.safetensors"]


def _own(name: str) -> str:
    return (files("nas.export.standalone") / name).read_text(encoding="utf-8")


def _train(subject: Subject, quickened: bool) -> str:
    from nas.data.images import SPLIT_SEED

    dataset = subject.dataset
    net = subject.architecture
    recipe = subject.recipe.of_network(net.has(BatchNorm))
    text = _inline(_with_quicken(_own("train.py"), quickened))
    values = {
        "DATASET": dataset.torchvision or dataset.name,
        "OPTIONS": dict(dataset.options),
        "TRANSPOSED": dataset.transposed,
        "EPOCHS": recipe.epochs,
        "CYCLES": recipe.cycles,
        "BATCH_SIZE": recipe.batch_size,
        "LR": recipe.lr,
        "WEIGHT_DECAY": recipe.weight_decay,
        "WARMUP": recipe.warmup,
        "AVERAGE": recipe.average,
        "BN_IMAGES": recipe.bn_images,
        "LABEL_SMOOTHING": recipe.label_smoothing,
        "ROTATION": recipe.rotation,
        "SHIFT": recipe.shift,
        "SCALE": recipe.scale,
        "FLIP": recipe.flip,
        "FADE": recipe.fade,
        "FADE_ABOVE": recipe.fade_above,
        "PRECISION": recipe.precision,
        "SEED": subject.seed,
        "HELD_OUT": dataset.held_out,
        "SPLIT_SEED": SPLIT_SEED,
    }
    if dataset.torchvision is None:
        text = _replace(text, "load", _other_load(dataset))
        text = re.sub(r"^(DATASET|OPTIONS|TRANSPOSED).*\n", "", text, flags=re.MULTILINE)
        text = text.replace("from typing import Any\n", "")
        values = {name: value for name, value in values.items() if name not in _OF_TORCHVISION}
    return _set(text, values)


def _with_quicken(text: str, wanted: bool) -> str:
    """`text` of train.py, with `quicken` from the file beside it, or without."""
    ours, own = "from nas.training.depthwise import quicken\n", "from depthwise import quicken\n"
    call = '    if device.type == "cpu":\n        quicken(model)\n'
    assert ours in text, "train.py quickens"
    assert call in text, "train.py quickens"
    text = text.replace(ours, "")
    return text.replace("from model", f"{own}from model", 1) if wanted else text.replace(call, "")


_OF_TORCHVISION = ("DATASET", "OPTIONS", "TRANSPOSED")


def _other_load(dataset: Dataset) -> str:
    """The source of `load` for a data set that torchvision does not have."""
    from nas.data.files import embedded_digits
    from nas.export.standalone import arrays, digits

    if dataset.folder is not None:
        return _source(arrays.load)
    return _source(embedded_digits) + "\n\n" + _source(digits.load)


def _needs(dataset: Dataset) -> str:
    """What an exported train.py needs installed."""
    if dataset.folder is not None:
        return "torch and numpy, and `--data` with the folder of the data set"
    return "torch and torchvision" if dataset.torchvision else "torch and scikit-learn"


def _inline(text: str) -> str:
    """`text` of train.py with the source of every function that it imports from `nas`."""
    from nas.data.augment import warp
    from nas.data.images import stratified_mask
    from nas.training.average import Average
    from nas.training.device import precision
    from nas.training.fading import Fading
    from nas.training.measuring import renew_statistics
    from nas.training.recipe import learning_rates, shares

    ours = (
        *(warp, stratified_mask, Average, precision, Fading),
        *(renew_statistics, learning_rates, shares),
    )
    functions = {f.__name__: f for f in ours}
    lines = re.findall(r"^from nas\.\S+ import (.+)\n", text, flags=re.MULTILINE)
    imported = [name for line in lines for name in line.split(", ")]
    assert sorted(imported) == sorted(functions), f"train.py imports {imported}"
    text = re.sub(r"\n(from nas\.\S+ import .+\n)+", "", text)
    text = text.replace("import argparse\n", "import argparse\nimport copy\n")
    text = text.replace("import Iterator\n", "import Iterable, Iterator, Sequence\n")
    text = text.replace("import nullcontext\n", "import nullcontext\nfrom math import cos, pi\n")
    text = text.replace("import torch\n", "import numpy as np\nimport torch\n", 1)
    own = "\n\n".join(_source(functions[name]) for name in imported)
    return text.replace("def load(", f"{own}\n\ndef load(", 1)


def _source(what: Callable[..., Any] | ModuleType) -> str:
    """The source of a function or a module, without what it says to our own linter."""
    return re.sub(r"  # (noqa|type: ignore).*", "", inspect.getsource(what))


def _replace(text: str, function: str, by: str) -> str:
    """`text` with the definition of `function` replaced."""
    (node,) = (
        node
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef) and node.name == function
    )
    lines = text.splitlines(keepends=True)
    return "".join([*lines[: node.lineno - 1], by, *lines[node.end_lineno :]])


def _set(text: str, values: dict[str, Any]) -> str:
    """`text` with its constants set to `values`; a comment behind one stays."""
    for name, value in values.items():
        pattern = rf"^({name}(?:: [^=]+)?) = .*?((?:  #.*)?)$"
        # A replacement's backslashes would be read as groups; none of our values has one.
        by = rf"\1 = {_literal(value)}\2"
        text, count = re.subn(pattern, by, text, flags=re.MULTILINE)
        assert count == 1, f"{name} stands {count} times"
    return text


def _literal(value: Any) -> str:
    """`value` as a person writes it in Python: double quotes, and 10_000."""
    if type(value) is int:
        return f"{value:_}"
    return repr(value).replace("'", '"')


def _facts(subject: Subject) -> dict[str, Any]:
    has = subject.architecture.has
    return {
        "PARAMETERS": subject.architecture.params,
        "BUDGET": subject.budget,
        "INPUT_SHAPE": subject.architecture.input_shape,
        "OUTPUTS": subject.architecture.out_shape[0],
        "BATCH_NORM": has(BatchNorm),
        "DROPOUT": has(DropoutLayer, ChannelDropout),
        "GLOBAL_AVERAGE_POOLING": has(GlobalAvgPool),
        "LINEAR": has(Linear),
    }


def _readme(subject: Subject, quickened: bool) -> str:
    architecture, dataset = subject.architecture, subject.dataset
    return _own("README.md").format(
        dataset=dataset.name,
        summary=architecture.summary(),
        title=subject.title,
        params=f"{architecture.params:,}",
        budget=f"{subject.budget:,}",
        keras=f"{architecture.params + architecture.statistics:,}",
        macs=f"{architecture.macs:,}",
        float32=f"{architecture.ram('float32'):,}",
        int8=f"{architecture.ram('int8'):,}",
        field=architecture.receptive_field,
        epochs=subject.recipe.epochs,
        accuracy=f"{subject.accuracy:.2f}",
        held_out=f"{dataset.held_out:,}",
        verified=subject.verified or "`nas verify` has not been run on it.",
        input=", ".join(map(str, architecture.input_shape)),
        needs=_needs(dataset),
        quickened=" Imports `depthwise.py`, faster gradients on a CPU." if quickened else "",
    )
