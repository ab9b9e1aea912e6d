"""The Optuna dashboard on a study, with our notes and figures kept up to date in it."""

import threading
import warnings
from collections.abc import Callable, Mapping
from copy import copy
from socketserver import ThreadingMixIn
from typing import Any, cast
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import optuna
import plotly.graph_objects as go
from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage
from optuna.trial import Trial
from optuna_dashboard import get_note, save_note, save_plotly_graph_object, wsgi

from nas.errors import StudyError
from nas.records import COUNTED, State
from nas.results import analysis, figures, notes, report
from nas.results.opened import Opened, read
from nas.storage import studies
from nas.study import artifacts
from nas.study.folder import Folder

REFRESH = 5.0  # seconds between two looks at the study


class Publisher:
    """Writes what we have to say of a study into the study, for the dashboard to show."""

    def __init__(self, folder: Folder, study: optuna.Study) -> None:
        self._folder = folder
        self._study = study
        self._written: dict[str, str] = {}  # by the figure's name, the note's owner
        self._seen: tuple[int, ...] = ()

    def publish(self) -> None:
        """Write the notes and figures that are not there yet, or no longer true."""
        drawn = self._study.get_trials(deepcopy=False)
        seen = (len(drawn), sum(t.state.is_finished() for t in drawn), len(self._study.user_attrs))
        if seen == self._seen:
            return
        now = read(self._folder, self._study)
        self._note("study", now.study, notes.study(now))
        for name, figure in _graphs(now).items():
            content = figure.to_json()
            if self._written.get(name) != content:
                save_plotly_graph_object(now.study, figure, graph_object_id=name)
                self._written[name] = content
        self._trial_notes(now, {trial.number: trial._trial_id for trial in drawn})
        self._seen = seen

    def _trial_notes(self, now: Opened, ids: Mapping[int, int]) -> None:
        """The notes of the trials that trained, the latest first."""
        attributes = _by_trial(self._study._storage.get_study_system_attrs(self._study._study_id))
        verified = now.verified
        for record in reversed(now.records):
            if record.state in COUNTED and record.number in ids:
                trial_id, found = ids[record.number], verified.get(record.number)
                study = copy(now.study)
                own = _Excerpt(now.study._storage, attributes.get(str(trial_id), {}))
                study._storage = cast(BaseStorage, own)
                text = notes.candidate(record, now.config.recipe.epochs, found)
                self._note(f"trial {record.number}", Trial(study, trial_id), text)

    def _note(self, owner: str, place: optuna.Study | Trial, text: str) -> None:
        """Write a note, unless a person has written one of their own there."""
        if self._written.get(owner) == text:
            return
        old = get_note(place)
        if old != text and (not old or old.startswith(notes.OURS)):
            save_note(place, text)
        self._written[owner] = text


class _Excerpt:
    """A storage of which a reader sees those attributes of the study that belong to one trial.

    The dashboard keeps trials' notes in attributes of the study and reads all of them for each
    note: with a thousand trials that takes minutes, and grows with their square.
    """

    def __init__(self, storage: BaseStorage, attributes: dict[str, Any]) -> None:
        self._storage = storage
        self._attributes = attributes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)

    def get_study_system_attrs(self, study_id: int) -> dict[str, Any]:  # noqa: ARG002
        return self._attributes

    def set_study_system_attr(self, study_id: int, key: str, value: Any) -> None:
        self._storage.set_study_system_attr(study_id, key, value)
        self._attributes[key] = value


def _by_trial(attributes: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The dashboard's attributes by the trial that they name: dashboard:<trial's id>:..."""
    found: dict[str, dict[str, Any]] = {}
    for key, value in attributes.items():
        if key.startswith("dashboard:"):
            found.setdefault(key.split(":")[1], {})[key] = value
    return found


def _graphs(now: Opened) -> dict[str, go.Figure]:
    if not any(record.state is State.TRAINED for record in now.records):
        return {}
    steps = analysis.hypervolume_history(now.records, now.config.budget)
    graphs = {
        "front": report.front_figure(now),
        "hypervolume": figures.hypervolume(steps, {}),
        "learning-curves": figures.curves(now.records, now.front),
    }
    for name, figure in graphs.items():
        # The dashboard draws them as they are, without a heading, on a page that may be dark.
        title = name.replace("-", " ").capitalize()
        figure.update_layout(title=title, margin_t=48, paper_bgcolor="#ffffff")
        figure.update_layout(font_color="#1c2127")
    return graphs


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Not a line for every request."""


def serve(
    folder: Folder,
    host: str,
    port: int,
    ready: Callable[[str], None],
    warn: Callable[[str], None],
) -> None:
    """Serve the dashboard at `host` and `port` (0: any that is free) until interrupted.

    `ready` is told the study's address, `warn` why notes and figures are no longer kept up to date.
    Raises `StudyError` if the port cannot be had.
    """
    # What the dashboard's own pages make Optuna warn of is not for the terminal.
    warnings.filterwarnings("ignore", category=UserWarning, module=r"optuna\.")
    study = studies.load(folder.location)
    store = artifacts.store(folder.artifacts(folder.config()))
    application = wsgi(study._storage, artifact_store=store)
    try:
        server = make_server(host, port, application, server_class=_Server, handler_class=_Quiet)
    except (OSError, OverflowError) as error:
        raise StudyError(
            f"the dashboard cannot listen at {host}, port {port} ({error}): choose another --port"
        ) from None
    stop = threading.Event()

    def keep_up_to_date() -> None:
        # A storage of its own: this thread's connection is not the server's.
        publisher = Publisher(folder, studies.load(folder.location))
        while True:
            try:
                publisher.publish()
            except StorageInternalError as error:  # the database was busy, or is away
                warn(f"notes and figures could not be brought up to date, trying again: {error}")
            except KeyError:
                warn("the study is no longer in its database: its notes are left as they are")
                return
            if stop.wait(REFRESH):
                return

    thread = threading.Thread(target=keep_up_to_date, name="publisher")
    thread.start()
    try:
        ready(f"http://{host}:{server.server_port}/dashboard/studies/{study._study_id}")
        server.serve_forever()
    finally:
        stop.set()
        server.server_close()
        thread.join()
