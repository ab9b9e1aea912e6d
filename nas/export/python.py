"""Export as Python source: a folder that trains and runs the network without `nas`.

train.py and the modules that it imports are copies of our own files, so the exported training is
the search's. Only model.py, settings.py, README.md and architecture.json are generated.
"""

import json
from collections.abc import Iterable
from dataclasses import fields
from importlib.resources import files
from pathlib import Path
from typing import Any

from nas.architecture import BatchNorm, ChannelDropout, Dropout, GlobalAvgPool, Linear
from nas.export import source
from nas.export.subject import Subject
from nas.setting import about

STANDALONE = ("train.py", "test_model.py", "weights.py")
# Modules that train.py imports from `training`. They import nothing of nas, nor each other.
TRAINING = (
    "data/augment.py",
    "data/split.py",
    "training/average.py",
    "training/batch_norm.py",
    "training/depthwise.py",
    "training/fading.py",
    "training/precision.py",
    "training/schedule.py",
)
# Each copied file and its original in the package; dataset.py depends on the data set.
COPIES = {name: f"export/standalone/{name}" for name in STANDALONE} | {
    f"training/{Path(module).name}": module for module in TRAINING
}
FILES = (
    "model.py",
    "weights.safetensors",
    "settings.py",
    "dataset.py",
    "README.md",
    "architecture.json",
    *COPIES,
)

Setting = tuple[str, Any, str]  # name, value, comment


def write(subject: Subject, folder: Path) -> list[str]:
    """Write the files of the export into `folder`; returns their names."""
    copies = COPIES | {"dataset.py": f"data/loaders/{subject.dataset.source.loader}"}
    texts = {name: _original(path) for name, path in copies.items()} | {
        "model.py": source.model(subject.architecture, subject.title, subject.mean, subject.std),
        "settings.py": _settings(subject),
        "README.md": _readme(subject),
        "architecture.json": json.dumps(subject.architecture.to_json(), indent=1) + "\n",
    }
    (folder / "training").mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "weights.safetensors").write_bytes(subject.weights.read_bytes())
    return list(FILES)


def _original(path: str) -> str:
    return files("nas").joinpath(path).read_text(encoding="utf-8")


def _settings(subject: Subject) -> str:
    """The text of settings.py."""
    architecture = subject.architecture
    claims: list[Setting] = [
        ("PARAMETERS", architecture.params, "trainable"),
        ("BUDGET", subject.budget, "parameters at most"),
        ("INPUT_SHAPE", architecture.input_shape, "channels, height, width"),
        ("OUTPUTS", architecture.out_shape[0], "one per class"),
        (
            "BATCH_NORM",
            architecture.has(BatchNorm),
            "whether the network has such a layer, here and below",
        ),
        ("DROPOUT", architecture.has(Dropout, ChannelDropout), ""),
        ("GLOBAL_AVERAGE_POOLING", architecture.has(GlobalAvgPool), ""),
        ("LINEAR", architecture.has(Linear), ""),
    ]
    data: list[Setting] = [
        *subject.dataset.source.settings(),
        ("HELD_OUT", subject.dataset.held_out, "training images that the search held out"),
    ]
    recipe = subject.recipe.of_network(architecture.has(BatchNorm))
    training: list[Setting] = [
        (field.name.upper(), getattr(recipe, field.name), about(field).help)
        for field in fields(recipe)
        if field.name not in ("schedule", "lr_without_norm")  # contained in CYCLES and LR
    ]
    training += [
        ("CYCLES", recipe.cycles, "epochs of each learning-rate cycle"),
        ("SEED", subject.seed, "the search's random seed"),
    ]
    return (
        '"""The settings that the network was trained with, and the claims about it."""\n'
        f"\n# The claims that test_model.py checks\n{_assignments(claims)}"
        f"\n# The data set\n{_assignments(data)}"
        f"\n# Training\n{_assignments(training)}"
    )


def _assignments(settings: Iterable[Setting]) -> str:
    """One line per setting: `NAME = value  # comment`."""
    return "".join(
        f"{name} = {_literal(value)}{f'  # {comment}' if comment else ''}\n"
        for name, value, comment in settings
    )


def _literal(value: Any) -> str:
    """`value` as Python source: with double quotes, and 10_000."""
    return f"{value:_}" if type(value) is int else repr(value).replace("'", '"')


def _readme(subject: Subject) -> str:
    architecture, dataset = subject.architecture, subject.dataset
    return _original("export/standalone/README.md").format(
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
        requirements=dataset.source.requirements,
    )
