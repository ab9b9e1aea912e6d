"""Headless Chromium for tests of pages."""

import time
from collections.abc import Callable
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

PATIENCE = 60  # seconds that a page may take; machines differ, and it is no measurement


class Browser:
    """One window, and what its console said."""

    def __init__(self, driver: str) -> None:
        options = Options()
        # In a container: no sandbox of its own, and /dev/shm is small.
        for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
            options.add_argument(argument)
        options.add_argument("--window-size=1280,1000")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self._driver = webdriver.Chrome(options=options, service=Service(driver))

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *_: object) -> None:
        self._driver.quit()

    def open(self, address: str, width: int = 1280) -> None:
        """Open `address` in a window `width` pixels wide; what the console said before is gone."""
        self._driver.get("about:blank")
        self._driver.get_log("browser")
        metrics = {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": False}
        self._driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        self._driver.get(address)

    def run(self, script: str) -> Any:
        """What the JavaScript `script` returns."""
        return self._driver.execute_script(script)

    def wait(self, script: str, until: Callable[[Any], object] = bool) -> Any:
        """What `script` returns as soon as `until` is true of it."""
        deadline = time.monotonic() + PATIENCE
        while not until(value := self.run(script)):
            assert time.monotonic() < deadline, f"{script} is {value!r}; {self.errors()}"
            time.sleep(0.1)
        return value

    def errors(self) -> list[str]:
        """The errors in the console since `open`."""
        return [
            entry["message"]
            for entry in self._driver.get_log("browser")
            if entry["level"] == "SEVERE"
        ]
