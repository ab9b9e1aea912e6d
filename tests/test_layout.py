"""The layout's rules: who imports whom, what importing costs, what is public."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import nas

ROOT = Path(__file__).parent.parent
ORDER = ["errors", "files", "architecture", "data", "training", "records"]
ORDER += ["export", "search", "results", "cli"]
SOURCES = sorted((ROOT / "nas").rglob("*.py"))
FORBIDDEN = {
    "architecture": {"optuna", "pandas", "plotly"},
    "data": {"optuna", "plotly"},
    "training": {"optuna", "plotly", "pandas"},
    "records": {"optuna", "torch", "plotly"},
    "search": {"plotly"},
}


def imports(path: Path) -> set[str]:
    """The full names of all modules that the file imports, also inside functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_to_its_left(path: Path) -> None:
    parts = path.relative_to(ROOT / "nas").with_suffix("").parts
    if parts in (("__init__",), ("__main__",)):
        return
    assert parts[0] in ORDER, f"{parts[0]} has no place in the layout"
    allowed = ORDER[: ORDER.index(parts[0]) + 1]
    for name in imports(path):
        if name.startswith("nas."):
            assert name.split(".")[1] in allowed, f"{path} imports {name}"
        assert name.split(".")[0] not in FORBIDDEN.get(parts[0], set()), f"{path} imports {name}"


@pytest.mark.parametrize(
    "path", sorted((ROOT / "search_spaces").glob("*.py")), ids=lambda p: p.name
)
def test_a_space_imports_architecture_and_optuna_alone(path: Path) -> None:
    for name in imports(path):
        if name.startswith(("nas", "search_spaces")):
            allowed = ("nas.architecture", "nas.errors")
            assert name.startswith(allowed), f"{path} imports {name}"


@pytest.mark.parametrize(
    "statement",
    ["import nas", "import nas.cli.app", "import nas.search.folder, nas.search.trials"],
)
def test_importing_does_not_import_torch(statement: str) -> None:
    code = f"{statement}; import sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_public_names() -> None:
    assert nas.__all__ == [
        "Architecture",
        "Fit",
        "Limits",
        "NasError",
        "Recipe",
        "Record",
        "StudyConfig",
        "Task",
        "build",
        "fit",
        "pareto_front",
    ]
    for name in nas.__all__:
        assert getattr(nas, name) is not None
    with pytest.raises(AttributeError):
        nas.anything_else  # noqa: B018
