"""What wants to hear of a running search."""

from typing import Protocol

from nas.execution.events import WorkerEvent
from nas.execution.progress import Progress
from nas.study.config import StudyConfig
from nas.study.folder import Folder


class Observer(Protocol):
    """Hears of a search, and may show it."""

    def begin(self, folder: Folder, config: StudyConfig, progress: Progress) -> None:
        """The study is open; its workers are about to start."""

    def event(self, worker: str, event: WorkerEvent, progress: Progress) -> None:
        """A worker told something; `progress` has taken it in."""

    def tick(self, progress: Progress) -> None:
        """Time has passed."""

    def warn(self, text: str) -> None:
        """Something went wrong, or could go better; the search goes on."""
