"""Exports equal the trained network, run without nas, and are written whole or not at all."""

import ast
import contextlib
import json
import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import bars
import onnx
import onnxruntime
import optuna
import pytest
import torch
from safetensors.torch import load_file, save_file

import nas
from nas import spaces
from nas.architecture import (
    Architecture,
    BatchNorm,
    Conv,
    DepthwiseConv,
    Dropout,
    Flatten,
    GlobalAvgPool,
    Limits,
    ReLU,
    SiLU,
    Task,
)
from nas.architecture.module import build
from nas.data import dataset
from nas.data.images import Split, load_split
from nas.errors import ArchitectureError, ExportError
from nas.export import python, source
from nas.export.export import FORMATS, export
from nas.export.proof import Claim, prove
from nas.export.subject import Subject
from nas.training import Recipe
from nas.training.fit import Fit, fit

EACH = 8  # random architectures of every space


def subject(folder: Path, architecture: Architecture, seed: int = 0) -> Subject:
    """A candidate with random weights and statistics in place of trained ones."""
    torch.manual_seed(seed)
    model = build(architecture)
    for name, value in model.state_dict().items():
        if name.endswith("running_var"):
            value.uniform_(0.5, 2)
        elif value.is_floating_point():
            value.normal_(0, 0.5)
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    save_file(weights, folder / "weights.safetensors")
    return Subject(
        title="Trial 7 of study s",
        architecture=architecture,
        weights=folder / "weights.safetensors",
        dataset=dataset("digits"),
        mean=0.2,
        std=0.3,
        recipe=Recipe(epochs=2, batch_size=16),
        seed=seed,
        budget=max(8_000, architecture.params),
        accuracy=98.76,
    )


def drawn(name: str, count: int) -> list[Architecture]:
    """Random architectures of a built-in space."""
    task = Task((1, 28, 28), 10, Limits(20_000))
    loaded = spaces.load(name)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    found: list[Architecture] = []
    while len(found) < count:
        with contextlib.suppress(ArchitectureError):
            found.append(loaded.sample(study.ask(), task))
    return [architecture for architecture in found if architecture.params < 500_000]


def files_in(folder: Path) -> list[str]:
    """The paths of all files in `folder`, relative to it."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path.relative_to(folder).as_posix() for path in files)


@pytest.fixture
def net(task: Task) -> Architecture:
    """A design of the conv space, with shared convolutions and dropout."""
    conv = spaces.load("conv")
    design = next(params for params in conv.start(task) if params["shared"])
    params = {**design, "dropout": "values", "dropout_rate": 0.1}
    return conv.sample(optuna.trial.FixedTrial(params), task)


@pytest.fixture
def images(digits: Split) -> torch.Tensor:
    """Real images, normalised."""
    return digits.normalizer(digits.held_out.pixels[:32].float() / 255)


@pytest.mark.parametrize("name", list(spaces.built_in()))
def test_random_architectures_of_every_space_pass_their_proof(
    name: str, tmp_path: Path, images: torch.Tensor
) -> None:
    claims = []
    for number, architecture in enumerate(drawn(name, EACH)):
        folder = tmp_path / str(number)
        own = subject(tmp_path / f"weights-{number}", architecture, number)
        folder.mkdir()
        claims.append(Claim(own, "python", folder))
        python.write(own, folder)
    assert claims
    for proof in prove(claims, images):
        assert proof.images == 32


@pytest.mark.parametrize("format", list(FORMATS))
def test_every_format_proves_itself(
    format: str, tmp_path: Path, net: Architecture, images: torch.Tensor
) -> None:
    own = replace(subject(tmp_path, net), calibration=images)
    done = export(own, format, images, tmp_path / "out")
    assert files_in(done.folder) == sorted(done.files)
    assert {path.name for path in tmp_path.iterdir()} == {"weights.safetensors", "out"}


def test_an_export_is_replaced_by_another(
    tmp_path: Path, net: Architecture, images: torch.Tensor
) -> None:
    first = export(subject(tmp_path, net), "torch", images, tmp_path / "out")
    again = export(subject(tmp_path, net, seed=1), "python", images, tmp_path / "out")
    assert first.files != again.files
    assert files_in(again.folder) == sorted(again.files)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, mnist_dir: Path) -> tuple[Subject, torch.Tensor]:
    """The trained network with 6,723 parameters in the repository, and some held-out images."""
    best = Path(__file__).parents[2] / "studies" / "mnist" / "best"
    architecture = Architecture.from_json(json.loads((best / "architecture.json").read_text()))
    data = load_split(dataset("mnist"), mnist_dir)
    own = replace(
        subject(tmp_path_factory.mktemp("kept"), architecture),
        weights=best / "weights.safetensors",
        calibration=data.normalizer(data.train.take(slice(256)).float() / 255),
    )
    return own, data.normalizer(data.held_out.take(slice(2_000)).float() / 255)


def test_a_network_in_int8_comes_to_the_classes_of_the_trained_one_on_any_processor(
    tmp_path: Path, kept: tuple[Subject, torch.Tensor]
) -> None:
    own, images = kept
    done = export(own, "onnx-int8", images, tmp_path / "out")
    wanted = done.proof.expected.argmax(1)
    assert (done.proof.outputs.argmax(1) == wanted).float().mean() > 0.997
    # Without int8 kernels: node by node, in float between rounding steps.
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    file = done.folder / "model.int8.onnx"
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    (plain,) = session.run(None, {"images": images.numpy()})
    assert (plain.argmax(1) == wanted.numpy()).mean() > 0.997
    model = onnx.load(file)
    assert {p.key for p in model.metadata_props} >= {"title", "mean", "std"}
    int8 = [t for t in model.graph.initializer if t.data_type == onnx.TensorProto.INT8]
    convolutions = sum(w.numel() for w in build(own.architecture).parameters() if w.dim() == 4)
    assert sum(math.prod(t.dims) for t in int8 if len(t.dims) == 4) == convolutions


def test_int8_that_is_not_the_network_is_refused(
    tmp_path: Path, kept: tuple[Subject, torch.Tensor]
) -> None:
    """Calibration on empty images gives wrong activation ranges."""
    own, images = kept
    blank = torch.full_like(images[:8], -own.mean / own.std)
    with pytest.raises(ExportError, match="predicts the trained network's class for"):
        export(replace(own, calibration=blank), "onnx-int8", images, tmp_path / "out")
    with pytest.raises(ExportError, match="needs calibration images"):
        export(replace(own, calibration=None), "onnx-int8", images, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_export_that_is_not_the_network_is_refused(
    tmp_path: Path, net: Architecture, images: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = subject(tmp_path, net)
    before = export(own, "python", images, tmp_path / "out").folder / "model.py"
    text = before.read_text()

    def refused(change: tuple[str, str], message: str) -> None:
        assert change[0] in text
        with monkeypatch.context() as patched:
            changed = text.replace(*change)
            patched.setattr(source, "model", lambda *_: changed)
            with pytest.raises(ExportError, match=message):
                export(own, "python", images, tmp_path / "out")
        assert {path.name for path in tmp_path.iterdir()} == {"weights.safetensors", "out"}
        assert before.read_text() == text

    refused(("nn.SiLU()", "nn.ReLU()"), "differs from the trained network by")
    refused(("from torch", "import nas\nfrom torch"), "does not work: ModuleNotFoundError: import")
    refused(("bias=False", "bias=True"), "does not work: RuntimeError|does not work:")


def test_damaged_weights_are_named(tmp_path: Path, net: Architecture, images: torch.Tensor) -> None:
    own = subject(tmp_path, net)
    with pytest.raises(ExportError, match=r"weights\.safetensors is missing"):
        export(
            replace(own, weights=tmp_path / "none" / "weights.safetensors"),
            "torch",
            images,
            tmp_path / "o",
        )
    own.weights.write_bytes(b"broken")
    with pytest.raises(ExportError, match="does not hold the weights of Trial 7"):
        export(own, "torch", images, tmp_path / "o")
    save_file({"head.0.weight": torch.zeros(1)}, own.weights)
    with pytest.raises(ExportError, match="does not hold the weights of Trial 7"):
        export(own, "torch", images, tmp_path / "o")
    assert [path.name for path in tmp_path.iterdir()] == ["weights.safetensors"]


def test_what_is_no_export_is_not_replaced(
    tmp_path: Path, net: Architecture, images: torch.Tensor
) -> None:
    own = subject(tmp_path, net)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("years of work")
    (tmp_path / "file").write_text("x")
    with pytest.raises(ExportError, match=r"mine holds thesis\.tex, which is no export"):
        export(own, "python", images, tmp_path / "mine")
    with pytest.raises(ExportError, match="exists and is no folder"):
        export(own, "python", images, tmp_path / "file")
    assert (tmp_path / "mine" / "thesis.tex").read_text() == "years of work"
    (tmp_path / "mine" / "thesis.tex").unlink()
    (tmp_path / "mine" / "training").mkdir()
    (tmp_path / "mine" / "training" / "plan.md").write_text("run")
    with pytest.raises(ExportError, match=r"mine holds training/plan\.md, which is no export"):
        export(own, "python", images, tmp_path / "mine")
    assert (tmp_path / "mine" / "training" / "plan.md").read_text() == "run"


def test_the_source_is_readable_and_imports_torch_alone(tmp_path: Path, net: Architecture) -> None:
    python.write(subject(tmp_path / "own", net), tmp_path)
    text = (tmp_path / "model.py").read_text()
    assert "self.block1 = nn.Sequential(" in text
    assert "x = self.block2(x)" in text
    tree = ast.parse(text)
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported == {"torch"}
    assert not any(isinstance(node, ast.Import) for node in ast.walk(tree))
    for row in net.table():
        if row.params:
            assert f"{row.receptive_field}  " in text
            assert f"{row.params:,}\n" in text
    rules = ["--isolated", "--select", "E,F,I,W,B", "--line-length", "120"]
    subprocess.run([sys.executable, "-m", "ruff", "check", *rules, str(tmp_path)], check=True)


def test_a_title_cannot_break_out_of_its_docstring() -> None:
    title = 'x""" + __import__("os").system("false") + """\\'
    text = source.model(Architecture((1, 4, 4), (ReLU(),)), title, 0.0, 1.0)
    tree = ast.parse(text)
    assert len(tree.body) == 4
    docstring = ast.get_docstring(tree)
    assert docstring is not None
    assert "__import__" in docstring


def test_a_long_heading_is_wrapped_and_loses_nothing() -> None:
    net = Architecture((1, 28, 28), (Conv(8), SiLU()) * 60)
    text = source.model(net, "Trial 7", 0.0, 1.0)
    heading = (ast.get_docstring(ast.parse(text)) or "").partition("\n\n")[0]
    assert " ".join(heading.split()) == f"Trial 7: {net.summary()}"
    assert max(map(len, heading.splitlines())) <= 97


def test_a_network_of_one_stage_is_source_too() -> None:
    text = source.model(Architecture((1, 4, 4), (Dropout(0.1),)), "x", 0.0, 1.0)
    assert "return self.head(images)" in text


@pytest.mark.parametrize("fades", [True, False])
def test_the_exported_training_is_the_searchs_own(
    tmp_path: Path, net: Architecture, digits: Split, fades: bool
) -> None:
    """train.py, without nas, gives the weights of `fit` with the same seed. The training error is
    just above or just below the threshold for fading, so both must count it alike."""
    recipe = Recipe(epochs=2, batch_size=16, flip=0.5, fade=0.5, fade_above=0.0)
    recipe = replace(recipe, bn_images=1_100 if fades else 0)
    fading = fit(net, digits, recipe, seed=11)
    error = 100 - fading.curve[0].train_accuracy
    recipe = replace(recipe, fade_above=error - 0.01 if fades else error + 0.01)
    trained = fit(net, digits, recipe, seed=11)
    assert (trained.curve[1].train_loss == fading.curve[1].train_loss) is fades
    retrains(tmp_path, net, digits, recipe, trained)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_exported_training_has_the_searchs_gradients_too(
    tmp_path: Path, digits: Split, precision: str
) -> None:
    """With the fast gradients of depthwise convolutions, which differ from torch's by rounding."""
    body = (Conv(6, stride=2, bias=False), BatchNorm(), SiLU(), DepthwiseConv(5, stride=2))
    net = Architecture((1, 28, 28), (*body, Conv(10, 1), GlobalAvgPool(), Flatten()))
    recipe = Recipe(epochs=2, batch_size=64, precision=precision)
    retrains(tmp_path, net, digits, recipe, fit(net, digits, recipe, seed=11))


def retrains(
    tmp_path: Path, net: Architecture, digits: Split, recipe: Recipe, trained: Fit
) -> None:
    """Export into `tmp_path`, run train.py there, and compare its weights with `trained`."""
    mean, std = digits.normalizer.mean, digits.normalizer.std
    own = replace(subject(tmp_path / "own", net), recipe=recipe, seed=11, mean=mean, std=std)
    save_file(trained.weights, own.weights)
    assert all((tmp_path / name).is_file() for name in python.write(own, tmp_path))
    code = (
        "import sys, runpy; sys.modules['nas'] = None; sys.argv[0] = 'train.py'; "
        "sys.path.insert(0, '.'); runpy.run_path('train.py', run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "--held-out", "--threads", "1"],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": ""},
    )
    assert done.returncode == 0, done.stderr
    for epoch in trained.curve:
        line = f"epoch {epoch.number:2}/2  training loss {epoch.train_loss:.4f}"
        assert f"{line}  held-out accuracy {epoch.accuracy:.2f} %" in done.stdout
    retrained = torch.load(tmp_path / "retrained.pt")
    for name, value in load_file(tmp_path / "weights.safetensors").items():
        assert torch.equal(retrained[name], value), name


def test_every_kind_of_data_has_a_loader_and_its_settings(
    tmp_path: Path, net: Architecture
) -> None:
    loaders = Path(nas.__file__).parent / "data" / "loaders"
    kinds = ("emnist-digits", "digits", str(bars.write(tmp_path / "bars")))
    settings = {}
    for name in kinds:
        chosen = dataset(name)
        python.write(replace(subject(tmp_path / "own", net), dataset=chosen), tmp_path)
        original = (loaders / chosen.source.loader).read_text()
        assert (tmp_path / "dataset.py").read_text() == original
        settings[name] = (tmp_path / "settings.py").read_text()
    emnist = settings.pop("emnist-digits")
    assert 'DATASET = "EMNIST"' in emnist
    assert 'OPTIONS = {"split": "digits"}' in emnist
    assert "TRANSPOSED = True" in emnist
    assert not any("DATASET" in text for text in settings.values())


@pytest.mark.parametrize("name", [name for name in python.FILES if name.endswith(".py")])
def test_an_exported_file_imports_nothing_of_nas(
    tmp_path: Path, net: Architecture, name: str
) -> None:
    python.write(subject(tmp_path / "own", net), tmp_path)
    allowed = {"model", "weights", "settings", "dataset", "training", "torch", "numpy", "sklearn"}
    for node in ast.walk(ast.parse((tmp_path / name).read_text())):
        if isinstance(node, ast.Import):
            packages = {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            packages = {(node.module or "").partition(".")[0]}
        else:
            continue
        assert packages <= allowed | sys.stdlib_module_names
