"""Draw the fronts of reference studies, with what is verified of them: the picture in README.md.

    python benchmarks/picture.py mnist mnist-20k docs/front.png

The first study is the one that is drawn in blue. Candidates come from recorded.csv.gz, verified
accuracies from studies/<name>/verify.csv. Needs chromium and chromedriver.
"""

import argparse
import csv
import shutil
import tempfile
from pathlib import Path

import recorded
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from nas.records import Run
from nas.results import report
from nas.results.view import StudyView
from nas.study.config import from_settings, read
from nas.study.folder import Folder

STUDIES = Path(__file__).parent.parent / "studies"


def load(name: str) -> StudyView:
    """The reference study `name` from its tables; it has no database."""
    folder = Folder(STUDIES / name)
    with (folder.path / "verify.csv").open() as file:
        runs = [
            Run(
                trial=int(row["number"]),
                index=int(row["index"]),
                seed=int(row["seed"]),
                epochs=int(row["epochs"]),
                accuracies=(float(row["test_accuracy"]),),
                loss=float(row["test_loss"]),
                seconds=float(row["seconds"]),
                device=row["device"],
            )
            for row in csv.DictReader(file)
        ]
    config = from_settings(read(folder.settings))
    return StudyView(folder, config, None, recorded.load(name), runs)  # type: ignore[arg-type]


def main() -> None:
    """Draw the picture."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("study", nargs="+", help="names of reference studies")
    parser.add_argument("picture", type=Path, help="the PNG to write")
    parser.add_argument("--width", type=int, default=960)
    options = parser.parse_args()

    first, *others = [load(name) for name in options.study]
    figure = report.front_figure(first, others)
    figure.update_layout(width=options.width, paper_bgcolor="white", plot_bgcolor="white")
    chrome = Options()
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
        chrome.add_argument(argument)
    chrome.add_argument(f"--window-size={options.width + 100},1600")
    chrome.add_argument("--force-device-scale-factor=2")
    driver = webdriver.Chrome(options=chrome, service=Service(shutil.which("chromedriver")))
    with tempfile.TemporaryDirectory() as folder, driver:
        page = Path(folder) / "front.html"
        page.write_text(figure.to_html(config={"displayModeBar": False}), encoding="utf-8")
        driver.get(page.as_uri())
        WebDriverWait(driver, 60).until(
            lambda d: d.find_elements(By.CSS_SELECTOR, ".scatterlayer .point")
        )
        driver.find_element(By.CSS_SELECTOR, ".plotly-graph-div").screenshot(str(options.picture))


if __name__ == "__main__":
    main()
