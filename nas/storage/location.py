"""Where a study is stored."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Location:
    """A study's name, and the database file or the storage URL that holds it."""

    name: str
    database: Path  # SQLite; used if `url` is None
    url: str | None = field(default=None, repr=False)  # with its password
