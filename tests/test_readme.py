"""What README.md says is so: its example of a search space, and the results it shows."""

import re
import tomllib
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image
from safetensors.torch import load_file

from nas import spaces
from nas.architecture import Architecture, Limits, Task
from nas.architecture.module import build
from nas.data import dataset, ensure
from nas.data.images import load_training
from search_spaces import seeds

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
STUDIES = ROOT / "studies"


def test_the_search_space_in_the_readme_is_one(tmp_path: Path, task: Task) -> None:
    (source,) = re.findall(r"```python\n(# mine\.py\n.*?)```", README, re.DOTALL)
    path = tmp_path / "mine.py"
    path.write_text(source)
    spaces.probe(spaces.load(str(path)), task)


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


@pytest.mark.parametrize("place", [0, 1])
def test_the_results_in_the_readme_are_what_the_held_out_images_choose(place: int) -> None:
    (head, rows) = re.findall(r"\| at most (.*)\n\|-.*\n((?:\|.*\n)+)", README)[place]
    shown = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows.splitlines()]
    expected = [[f"{most:,}"] for most in (1_000, 2_000, 4_000, 8_000, 20_000)]
    for name in re.findall(r"`([^`]+)`", head):
        trials = pd.read_csv(STUDIES / name / "trials.csv")
        runs = pd.read_csv(STUDIES / name / "verify.csv")
        settings = tomllib.loads((STUDIES / name / "study.toml").read_text())
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


def test_the_hand_made_nets_on_their_page_are_those_of_their_study() -> None:
    folder = STUDIES / "hand-made"
    page = (folder / "README.md").read_text()
    (table,) = re.findall(r"\| net \| parameters .*\n\|-.*\n((?:\|.*\n)+)", page)
    shown = [[cell.strip() for cell in row.strip("|").split("|")] for row in table.splitlines()]
    trials = pd.read_csv(folder / "trials.csv")
    trained = trials[trials.state == "trained"].set_index("params")
    runs = pd.read_csv(folder / "verify.csv")
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


@pytest.mark.parametrize("name", ["mnist", "mnist-20k", "fashion-mnist", "hand-made"])
def test_the_tables_of_a_reference_study_agree(name: str) -> None:
    """The front is that of its trials, and its means are those of the verification runs."""
    trials = pd.read_csv(STUDIES / name / "trials.csv")
    front = pd.read_csv(STUDIES / name / "front.csv")
    members = trials[trials.is_pareto].sort_values("params").reset_index(drop=True)
    pd.testing.assert_frame_equal(front, members, check_dtype=False)
    trained = trials[trials.state == "trained"].sort_values(
        ["params", "val_accuracy"], ascending=[True, False]
    )
    best = trained.val_accuracy.cummax().shift(fill_value=-1.0)
    assert set(trained[trained.val_accuracy > best].number) == set(front.number)
    for number, runs in pd.read_csv(STUDIES / name / "verify.csv").groupby("number"):
        row = trials.set_index("number").loc[number]
        assert row.test_n == len(runs)
        assert row.test_mean == pytest.approx(runs.test_accuracy.mean(), abs=0.005)


@pytest.mark.parametrize("name", ["mnist", "mnist-20k", "fashion-mnist", "hand-made"])
def test_the_exported_network_of_a_reference_study_is_its_best(name: str) -> None:
    """It has the parameters that the tables say, and weights that fit."""
    front = pd.read_csv(STUDIES / name / "front.csv")
    folder = STUDIES / name / "best"
    net = Architecture.from_json((folder / "architecture.json").read_text())
    assert net.params == front.params.iloc[-1]
    build(net).load_state_dict(load_file(folder / "weights.safetensors"))
