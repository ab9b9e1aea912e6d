"""Draw a study's front, as its report shows it, into a PNG: the picture in README.md.

    python benchmarks/picture.py studies/mnist-8000 docs/front.png
    python benchmarks/picture.py STUDY PICTURE --compare OTHER    # with another study's front

Needs chromium and chromedriver.
"""

import argparse
import shutil
import tempfile
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from nas.results import opened, report


def main() -> None:
    """Draw the picture."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("study", help="its name under ./studies, or its path")
    parser.add_argument("picture", type=Path, help="the PNG to write")
    parser.add_argument("--compare", nargs="+", default=[], help="other studies, as in nas report")
    parser.add_argument("--width", type=int, default=960)
    options = parser.parse_args()

    chrome = Options()
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
        chrome.add_argument(argument)
    chrome.add_argument(f"--window-size={options.width},1600")
    chrome.add_argument("--force-device-scale-factor=2")
    driver = webdriver.Chrome(options=chrome, service=Service(shutil.which("chromedriver")))
    with tempfile.TemporaryDirectory() as folder, driver:
        page = Path(folder) / "report.html"
        others = [opened.opened(name) for name in options.compare]
        text = report.write(opened.opened(options.study), others)
        page.write_text(text, encoding="utf-8")
        driver.get(page.as_uri())
        WebDriverWait(driver, 60).until(
            lambda d: d.find_elements(By.CSS_SELECTOR, "#front .scatterlayer .point")
        )
        driver.find_element(By.ID, "front").screenshot(str(options.picture))


if __name__ == "__main__":
    main()
