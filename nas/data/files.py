"""Where data sets are on this machine, whatever their source."""

import os
from pathlib import Path

from nas.data.dataset import Dataset


def cache_dir() -> Path:
    """The user's cache, where downloads go."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "nas"


def search_path(data_dir: Path | None) -> list[Path]:
    """Where data is looked for, in order: `data_dir`, `NAS_DATA_DIR`, the user's cache."""
    places = [data_dir] if data_dir else []
    if os.environ.get("NAS_DATA_DIR"):
        places.append(Path(os.environ["NAS_DATA_DIR"]))
    return [*places, cache_dir()]


def locate(dataset: Dataset, data_dir: Path | None = None) -> Path | None:
    """The root folder of the training files, or None if they are missing or embedded."""
    return dataset.source.locate(dataset, data_dir)


def ensure(dataset: Dataset, data_dir: Path | None = None, test: bool = False) -> None:
    """Check the training files, and with `test` the test files; download what is missing.

    Raises `DataError` where that fails.
    """
    dataset.source.ensure(dataset, data_dir, test)
