"""The README's example of a search space works as it stands there."""

import re
from pathlib import Path

from nas.architecture import Task
from nas.search import space


def test_the_search_space_in_the_readme_is_one(tmp_path: Path, task: Task) -> None:
    readme = (Path(__file__).parent.parent / "README.md").read_text()
    (source,) = re.findall(r"```python\n(# mine\.py\n.*?)```", readme, re.DOTALL)
    path = tmp_path / "mine.py"
    path.write_text(source)
    space.probe(space.load(str(path)), task)
