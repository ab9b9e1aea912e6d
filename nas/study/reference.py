"""The reference page of all settings, docs/settings.md.

python -m nas.study.reference > docs/settings.md
"""

from collections.abc import Iterator, Mapping
from dataclasses import Field
from typing import Any

from nas.setting import Scope, about, rule
from nas.study.config import RECIPE_SETTINGS, STUDY_SETTINGS

HEAD = """# Settings

A setting with a flag is given to `nas search`. The others go into a `study.toml` that you put into
the study's folder before its first search; those of the recipe into its table `[recipe]`. Later the
study's storage holds the settings, and `study.toml` is a record of them: an edit changes nothing,
and `nas search` and `nas status` say so.

*Changes*: a setting that never changes defines the study; any search may change others; each
machine has its own of the rest.
"""
CHANGES = {Scope.STUDY: "never", Scope.RUN: "any search", Scope.MACHINE: "each machine"}


def page() -> str:
    """The text of docs/settings.md."""
    parts = [HEAD, "## The study", _table(STUDY_SETTINGS), "## The recipe", _table(RECIPE_SETTINGS)]
    return "\n".join(parts)


def _table(settings: Mapping[str, "Field[Any]"]) -> str:
    lines = [
        "| setting | flag | default | values | changes | meaning |",
        "|---|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *_rows(settings), ""])


def _rows(settings: Mapping[str, "Field[Any]"]) -> Iterator[str]:
    for name, one in settings.items():
        this = about(one)
        flag = f"`--{name.replace('_', '-')}`" if this.flag else ""
        cells = (f"`{name}`", flag, this.default, rule(one), CHANGES[this.scope], this.help)
        yield f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    print(page(), end="")
