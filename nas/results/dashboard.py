"""Serve the Optuna dashboard of a study, and keep notes and figures in it up to date."""

import threading
import warnings
from collections.abc import Callable, Mapping
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import optuna
import plotly.graph_objects as go
from optuna.exceptions import StorageInternalError
from optuna.trial import Trial
from optuna_dashboard import get_note, save_note, save_plotly_graph_object, wsgi

from nas.errors import StudyError
from nas.records import COUNTED, State
from nas.results import analysis, figures, notes, report
from nas.results.view import StudyView, read
from nas.storage import adapter, studies
from nas.study import artifacts, attributes
from nas.study.folder import Folder

REFRESH = 5.0  # seconds between two updates


class Publisher:
    """Writes notes and figures into a study, for the dashboard to show."""

    def __init__(self, folder: Folder, study: optuna.Study) -> None:
        self._folder = folder
        self._study = study
        self._written: dict[str, str] = {}  # content by the figure's name or the note's owner
        self._seen: tuple[int, ...] = ()

    def publish(self) -> None:
        """Write the notes and figures that are missing or out of date."""
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
        self._trial_notes(now, {trial.number: adapter.trial_id(trial) for trial in drawn})
        self._seen = seen

    def _trial_notes(self, now: StudyView, ids: Mapping[int, int]) -> None:
        """Write the notes of the trials that trained, the latest first."""
        attributes = _by_trial(adapter.study_attributes(self._study))
        verified = now.verified
        for record in reversed(now.records):
            if record.state in COUNTED and record.number in ids:
                trial_id, found = ids[record.number], verified.get(record.number)
                trial = adapter.excerpt(now.study, trial_id, attributes.get(str(trial_id), {}))
                text = notes.candidate(record, now.config.recipe.epochs, found)
                self._note(f"trial {record.number}", trial, text)

    def _note(self, owner: str, place: optuna.Study | Trial, text: str) -> None:
        """Write a note, unless a person has written one there."""
        if self._written.get(owner) == text:
            return
        old = get_note(place)
        if old != text and (not old or old.startswith(notes.OURS)):
            save_note(place, text)
        self._written[owner] = text


def _by_trial(attributes: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The dashboard's attributes, `dashboard:<trial's id>:...`, by the trial's id."""
    found: dict[str, dict[str, Any]] = {}
    for key, value in attributes.items():
        if key.startswith("dashboard:"):
            found.setdefault(key.split(":")[1], {})[key] = value
    return found


def _graphs(now: StudyView) -> dict[str, go.Figure]:
    if not any(record.state is State.TRAINED for record in now.records):
        return {}
    steps = analysis.hypervolume_history(now.records, now.config.budget)
    graphs = {
        "front": report.front_figure(now),
        "hypervolume": figures.hypervolume(steps, {}),
        "learning-curves": figures.curves(now.records, now.front),
    }
    for name, figure in graphs.items():
        # The dashboard adds no heading, and its page may be dark.
        title = name.replace("-", " ").capitalize()
        figure.update_layout(title=title, margin_t=48, paper_bgcolor="#ffffff")
        figure.update_layout(font_color="#1c2127")
    return graphs


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Print nothing for a request."""


def serve(
    folder: Folder,
    host: str,
    port: int,
    ready: Callable[[str], None],
    warn: Callable[[str], None],
) -> None:
    """Serve the dashboard at `host` and `port` (0: any free one) until interrupted.

    Calls `ready` with the study's address, and `warn` with the reason why notes and figures are not
    up to date. Raises `StudyError` if it cannot listen there.
    """
    # The dashboard's own pages make Optuna warn about experimental features.
    warnings.filterwarnings("ignore", category=UserWarning, module=r"optuna\.")
    study = studies.load(folder.location)
    store = artifacts.ArtifactStore(folder.artifacts(attributes.config(study, folder)))
    application = wsgi(adapter.storage_of(study), artifact_store=store)
    try:
        server = make_server(host, port, application, server_class=_Server, handler_class=_Quiet)
    except (OSError, OverflowError) as error:
        raise StudyError(
            f"the dashboard cannot listen at {host}, port {port} ({error}): choose another --port"
        ) from None
    stop = threading.Event()

    def keep_up_to_date() -> None:
        # A storage of its own, because the server's connection belongs to another thread.
        publisher = Publisher(folder, studies.load(folder.location))
        while True:
            try:
                publisher.publish()
            except StorageInternalError as error:  # the database is busy or unreachable
                warn(f"notes and figures could not be updated, trying again: {error}")
            except KeyError:
                warn("the study is no longer in its database: its notes are not updated any more")
                return
            if stop.wait(REFRESH):
                return

    thread = threading.Thread(target=keep_up_to_date, name="publisher")
    thread.start()
    try:
        ready(f"http://{host}:{server.server_port}/dashboard/studies/{adapter.study_id(study)}")
        server.serve_forever()
    finally:
        stop.set()
        server.server_close()
        thread.join()
