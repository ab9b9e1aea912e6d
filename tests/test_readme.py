"""What README.md says is so: its example of a search space, and the results it shows."""

import re
import shutil
import tomllib
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from nas.architecture import Limits, Task
from nas.data import dataset, ensure
from nas.data.images import load_training
from nas.records.tables import write_tables
from nas.results.opened import opened
from nas.search import space
from search_spaces import seeds

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
# The studies of each table of verified networks, and where it is.
TABLES = [
    ("README.md", 0, ["mnist-8k-h200"]),
    ("README.md", 1, ["fashion-20k"]),
    ("studies/mnist-20k/README.md", 0, ["mnist-20k"]),
    (
        "studies/README.md",
        0,
        ["mnist-1k", "mnist-2k", "mnist-4k", "mnist-3k-8k", "mnist-8k", "mnist-8k-random"],
    ),
    ("studies/README.md", 1, ["fashion-8k"]),
]
STUDIES = [name for _, _, names in TABLES for name in names]


def test_the_search_space_in_the_readme_is_one(tmp_path: Path, task: Task) -> None:
    (source,) = re.findall(r"```python\n(# mine\.py\n.*?)```", README, re.DOTALL)
    path = tmp_path / "mine.py"
    path.write_text(source)
    space.probe(space.load(str(path)), task)


def test_the_script_in_the_readme_makes_a_data_set_of_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (source,) = re.findall(r"```python\n# arrays\.py\n(.*?)```", README, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    for part, count in (("train", 6), ("test", 2)):
        for name, colour in (("cat", (200, 10, 10)), ("dog", (10, 200, 10))):
            folder = tmp_path / "photos" / part / name
            folder.mkdir(parents=True)
            for number in range(count):
                Image.new("RGB", (40, 50), colour).save(folder / f"{number}.png")
    exec(source, {})
    made = dataset("./mine")
    ensure(made, test=True)
    assert (made.input_shape, made.classes, made.train_images) == ((3, 32, 32), 2, 12)
    images = load_training(made)
    assert images.pixels[0, :, 5, 5].tolist() == [200, 10, 10]
    assert images.labels.tolist() == [0] * 6 + [1] * 6


@pytest.mark.parametrize(("page", "place", "names"), TABLES)
def test_the_results_on_a_page_are_all_that_has_been_verified(
    page: str, place: int, names: list[str]
) -> None:
    text = (ROOT / page).read_text()
    tables = re.findall(r"\| parameters \| held out.*\n\|-.*\n((?:\|.*\n)+)", text)
    assert len(tables) == sum(page == other for other, _, _ in TABLES)
    rows = tables[place].splitlines()
    shown = [[cell.strip(" `") for cell in row.strip("|").split("|")] for row in rows]
    expected = []
    for name in names:
        folder = ROOT / "studies" / name
        trials = pd.read_csv(folder / "trials.csv").set_index("number")
        for tried, runs in pd.read_csv(folder / "verify.csv").groupby("number"):
            trial, test = trials.loc[tried], runs.test_accuracy
            row = [
                f"{int(trial.params):,}",
                f"{trial.val_accuracy:.2f}",
                f"{test.mean():.2f} ± {test.std():.2f}",
                f"{test.min():.2f}",
                str(len(test)),
                *([name] if len(names) > 1 else []),
                trial.architecture,
            ]
            expected.append((trial.params, row))
    assert shown == [row for _, row in sorted(expected, key=lambda one: one[0])]


def test_the_summary_in_the_readme_is_what_the_held_out_images_choose() -> None:
    (head, rows) = re.findall(r"\| at most (.*)\n\|-.*\n((?:\|.*\n)+)", README)[0]
    shown = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows.splitlines()]
    expected = [[f"{most:,}"] for most in (1_000, 2_000, 4_000, 8_000, 20_000)]
    for name in re.findall(r"`([^`]+)`", head):
        trials = pd.read_csv(ROOT / "studies" / name / "trials.csv")
        runs = pd.read_csv(ROOT / "studies" / name / "verify.csv")
        settings = tomllib.loads((ROOT / "studies" / name / "study.toml").read_text())
        for row in expected:
            most = int(row[0].replace(",", ""))
            if most > settings["budget"]:
                row += ["", "", ""]
                continue
            trained = trials[(trials.state == "trained") & (trials.params <= most)]
            best = trained.sort_values(["val_accuracy", "params"], ascending=[False, True]).iloc[0]
            test = runs[runs.number == best.number].test_accuracy
            assert len(test) == 5
            figures = f"{best.val_accuracy:.2f}", f"{test.mean():.2f} ± {test.std():.2f}"
            row += [f"{best.params:,}", *figures]
    assert shown == expected


def test_the_hand_made_nets_in_the_readme_are_those_of_their_study() -> None:
    (table,) = re.findall(r"\| net \| parameters .*\n\|-.*\n((?:\|.*\n)+)", README)
    shown = [[cell.strip() for cell in row.strip("|").split("|")] for row in table.splitlines()]
    trials = pd.read_csv(ROOT / "studies" / "seeds" / "trials.csv")
    trained = trials[trials.state == "trained"].set_index("params")
    runs = pd.read_csv(ROOT / "studies" / "seeds" / "verify.csv")
    task = Task((1, 28, 28), 10, Limits(50_000))
    found = []
    for name in seeds.NETS:
        params = seeds.net(name, task).params
        if params in trained.index:
            test = runs[runs.params == params].test_accuracy
            spread = f" ± {test.std():.2f}" if len(test) > 1 else ""
            mean = f"{test.mean():.2f}{spread}" if len(test) else "-"
            held_out = f"{trained.loc[params, 'val_accuracy']:.2f}"
            found.append([name, f"{params:,}", held_out, mean, str(len(test))])
    assert [row[:2] + row[3:] for row in shown] == found, "all but what is claimed"


@pytest.mark.parametrize("name", STUDIES)
def test_the_tables_of_the_study_are_those_of_its_database(name: str, tmp_path: Path) -> None:
    """Which today's code reads, too."""
    kept, folder = ROOT / "studies" / name, tmp_path / name
    folder.mkdir()
    for file in ("study.db", "study.toml", "space.py"):
        shutil.copy(kept / file, folder)
    study = opened(str(folder))
    write_tables(study.records, study.runs, folder)
    for table in ("trials.csv", "front.csv", "verify.csv"):
        assert (folder / table).read_text() == (kept / table).read_text()
