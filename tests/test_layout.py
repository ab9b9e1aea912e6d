"""The layout's rules: who imports whom, what importing loads, what is public, what git tracks."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import nas

ROOT = Path(__file__).parent.parent
# From the ground up: a module imports only from its own package and from those before it.
ORDER = (
    "errors",
    "files",
    "version",
    "setting",
    "architecture",
    "data",
    "training",
    "storage",
    "records",
    "spaces",
    "pruning",
    "sampling",
    "export",
    "study",
    "execution",
    "results",
    "api",
    "cli",
)
FORBIDDEN = {
    "architecture": {"optuna", "pandas", "plotly"},
    "data": {"optuna", "plotly"},
    "training": {"optuna", "plotly", "pandas"},
    "storage": {"torch", "plotly", "pandas"},
    "records": {"torch", "plotly"},
    "pruning": {"torch", "plotly", "pandas"},
    "sampling": {"torch", "plotly", "pandas"},
    "execution": {"plotly"},
}
HEAVY = ("torch", "optuna", "pandas", "plotly", "sklearn")
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted((ROOT / "nas").rglob("*.py"))
}


def imports(path: Path) -> set[str]:
    """The full names of all that the file imports, also inside functions and for types."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def modules_of(names: set[str]) -> set[str]:
    """Our modules among the imported `names`; `nas.files.write_whole` is `nas.files`."""
    found = set()
    for name in names:
        while name and name not in MODULES:
            name = name.rpartition(".")[0]
        found |= {name} - {"", "nas"}
    return found


@pytest.mark.parametrize("name", MODULES)
def test_a_module_imports_only_what_stands_before_it(name: str) -> None:
    if name in ("nas", "nas.__main__"):
        return
    own = name.split(".")[1]
    assert own in ORDER, f"{own} has no place in the layout"
    allowed = ORDER[: ORDER.index(own) + 1]
    for imported in imports(MODULES[name]):
        if imported.startswith("nas."):
            assert imported.split(".")[1] in allowed, f"{name} imports {imported}"
        assert imported.split(".")[0] not in FORBIDDEN.get(own, set()), f"{name} imports {imported}"


def test_no_modules_import_one_another() -> None:
    graph = {name: modules_of(imports(path)) - {name} for name, path in MODULES.items()}
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


# Of Optuna's objects, as far as their names tell them from our own.
PRIVATE = {
    "_storage",
    "_study_id",
    "_trial_id",
    "_backend",
    "_suggest",
    "_contains",
    "_distributions",
}


def test_optunas_private_api_is_used_by_the_storage_package_alone() -> None:
    for name, path in MODULES.items():
        if name.startswith("nas.storage"):
            continue
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr in PRIVATE:
                own = isinstance(node.value, ast.Name) and node.value.id == "self"
                assert own, f"{path}:{node.lineno} uses .{node.attr}"
        for imported in imports(path):
            parts = imported.split(".")
            private = parts[0] == "optuna" and any(part.startswith("_") for part in parts)
            assert not private or imported.endswith("._protocol.ArtifactStore"), (
                f"{path}: {imported}"
            )


def test_every_place_in_the_order_is_taken() -> None:
    assert {name.split(".")[1] for name in MODULES if "." in name} == {*ORDER, "__main__"}


def test_the_tests_mirror_the_packages() -> None:
    packages = {path.name for path in (ROOT / "nas").iterdir() if path.is_dir()}
    folders = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir()}
    assert folders - {"__pycache__"} <= packages


@pytest.mark.parametrize(
    "path", sorted((ROOT / "search_spaces").glob("*.py")), ids=lambda p: p.name
)
def test_a_space_imports_architecture_and_optuna_alone(path: Path) -> None:
    for name in imports(path):
        if name.startswith(("nas", "search_spaces")):
            allowed = ("nas.architecture", "nas.errors")
            assert name.startswith(allowed), f"{path} imports {name}"


def loaded(code: str, *packages: str) -> set[str]:
    """Which of `packages` a new process has loaded after `code`."""
    script = f"{code}\nimport sys\nprint('LOADED', *[p for p in {packages!r} if p in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    return set(done.stdout.splitlines()[-1].split()[1:])


@pytest.mark.parametrize(
    "code",
    ["import nas", "from nas.cli.app import run; run(['--help'])", "import nas.records"],
)
def test_what_starts_at_once_loads_no_large_package(code: str) -> None:
    assert loaded(code, *HEAVY) == set()


def test_reading_a_study_does_not_load_torch() -> None:
    assert "torch" not in loaded("import nas.study.folder, nas.records.trials", *HEAVY)


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
    assert nas.__version__[0].isdigit()
    with pytest.raises(AttributeError):
        nas.anything_else  # noqa: B018


def test_the_reference_studies_stay_small() -> None:
    """Tables, settings and one exported network each: no database, weights of trials or report."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "studies"], check=False, capture_output=True, text=True, cwd=ROOT
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    files = [ROOT / name for name in listed.stdout.split("\0") if name]
    assert 0 < len(files) <= 80
    assert sum(path.stat().st_size for path in files) <= 3_000_000
    assert not [path for path in files if path.name in ("study.db", "report.html")]
