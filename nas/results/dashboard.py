"""The Optuna dashboard on a study, with our notes and figures kept up to date in it."""

import threading
import warnings
from collections.abc import Callable
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import optuna
import plotly.graph_objects as go
from optuna.trial import Trial
from optuna_dashboard import get_note, save_note, save_plotly_graph_object, wsgi

from nas.errors import StudyError
from nas.records import State
from nas.results import analysis, figures, notes, report
from nas.results.opened import Opened, read
from nas.search import trials
from nas.search.folder import Folder

REFRESH = 5.0  # seconds between two looks at the study


class Publisher:
    """Writes what we have to say of a study into the study, for the dashboard to show."""

    def __init__(self, folder: Folder) -> None:
        self._opened = read(folder)
        self._written: dict[str, str] = {}
        self._noted: set[int] = set()

    def publish(self) -> None:
        """Write the notes and figures that are not there yet, or no longer true."""
        study = self._opened.study
        now = Opened(
            self._opened.folder,
            self._opened.folder.config(),
            study,
            trials.records(study),
            trials.runs(study),
        )
        self._study_note(now)
        for name, figure in _graphs(now).items():
            content = figure.to_json()
            if self._written.get(name) != content:
                save_plotly_graph_object(study, figure, graph_object_id=name)
                self._written[name] = content
        self._trial_notes(now)

    def _study_note(self, now: Opened) -> None:
        text = notes.study(now)
        if self._written.get("note") == text:
            return
        old = get_note(now.study)
        if not old or old.startswith(notes.OURS):  # else it is a person's own
            save_note(now.study, text)
        self._written["note"] = text

    def _trial_notes(self, now: Opened) -> None:
        for frozen in now.study.get_trials(
            deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,)
        ):
            if frozen.number in self._noted:
                continue
            trial = Trial(now.study, frozen._trial_id)
            if not get_note(trial):
                record = trials.record(frozen)
                text = notes.candidate(record, now.config.recipe.epochs)
                save_note(trial, text)
            self._noted.add(frozen.number)


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
    opened = read(folder)
    application = wsgi(opened.study._storage, artifact_store=folder.artifact_store())
    try:
        server = make_server(host, port, application, server_class=_Server, handler_class=_Quiet)
    except (OSError, OverflowError) as error:
        raise StudyError(
            f"the dashboard cannot listen at {host}, port {port} ({error}): choose another --port"
        ) from None
    stop = threading.Event()

    def keep_up_to_date() -> None:
        publisher = Publisher(folder)
        while True:
            try:
                publisher.publish()
            except Exception as error:
                warn(f"notes and figures are no longer kept up to date: {error}")
                return
            if stop.wait(REFRESH):
                return

    thread = threading.Thread(target=keep_up_to_date, name="publisher")
    thread.start()
    try:
        ready(f"http://{host}:{server.server_port}/dashboard/studies/{opened.study._study_id}")
        server.serve_forever()
    finally:
        stop.set()
        server.server_close()
        thread.join()
