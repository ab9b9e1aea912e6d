"""The report: an HTML file that works offline."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape

import jinja2
import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from nas.records import Record, State, Verification
from nas.records.tables import LAYER_HEADINGS, layer_cells
from nas.results import analysis, figures
from nas.results.drawing import draw
from nas.results.references import BY_DATASET
from nas.results.view import StudyView
from nas.study import config as configuration


@dataclass(frozen=True, slots=True)
class Member:
    """A candidate of the front, as the page shows it."""

    record: Record
    verified: Verification | None
    drawing: str  # SVG
    layers: Sequence[tuple[str, ...]]  # cells under LAYER_HEADINGS


def write(view: StudyView, compared: Sequence[StudyView] = ()) -> str:
    """The report's HTML; the fronts of the studies in `compared` are drawn as well."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("nas.results", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    drawn = _figures(view, compared)
    return environment.get_template("report.html.jinja").render(
        name=view.folder.name,
        config=view.config,
        summary=summary(view),
        specs={name: json.loads(figure.to_json()) for name, figure in drawn.items()},
        over_budget=analysis.budget_breakers(view.records)[0],
        analysis=analysis,
        members=[_member(record, view.verified) for record in reversed(view.front)],
        settings=_settings(view),
        facts=facts(view),
        layer_headings=LAYER_HEADINGS,
        plotly=get_plotlyjs(),
        written=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
    )


def summary(view: StudyView) -> list[str]:
    """The study in a few sentences."""
    config, front = view.config, view.front
    counts = analysis.outcomes(view.records)
    ended = ", ".join(f"{count:,} {state.value}" for state, count in counts.items())
    sentences = [
        f"{config.dataset_name}, at most {config.budget:,} parameters, space {config.space}, "
        f"{config.recipe.epochs} epochs a candidate.",
        f"{len(view.records):,} draws: {ended}." if counts else "No draw yet.",
    ]
    if front:
        best = front[-1]
        sentences.append(
            f"Front of {len(front)}; the most accurate has {best.params:,} parameters and "
            f"{best.accuracy:.2f} % on held-out training images, in one run."
        )
    verified = [record for record in front if record.number in view.verified]
    if verified:
        # Chosen by held-out accuracy: the best test accuracy of many networks is partly luck.
        best = verified[-1]
        sentences.append(
            f"Verified: {len(verified)} of {len(front)}; the largest of them, {best.params:,} "
            f"parameters, has {view.verified[best.number].sentence()}."
        )
    elif front:
        sentences.append("No test image has been read: run nas verify.")
    return sentences


def facts(view: StudyView) -> dict[str, str]:
    """The cost of the study."""
    records, config = view.records, view.config
    trained = [record for record in records if record.state is State.TRAINED]
    spent = sum(record.epochs for record in records)
    stopped = [record for record in records if record.state is State.STOPPED]
    useful = sum(record.epochs for record in (*trained, *stopped))
    lost = spent - useful
    full = (len(trained) + len(stopped)) * config.recipe.epochs
    rejected = sum(count for state, count in analysis.outcomes(records).items() if state.rejected)
    seconds = sum(record.seconds for record in records)
    devices = sorted({record.device for record in records if record.device})
    workers = sorted({record.worker for record in records if record.curve})
    return {
        "epochs trained": f"{spent:,}, of which {lost:,} in runs that did not end",
        "epochs saved by early stopping": (
            f"{full - useful:,} of {full:,} ({len(stopped):,} stopped)"
        ),
        "epochs saved by the gate": (
            f"at most {rejected * config.recipe.epochs:,} ({rejected:,} draws)"
        ),
        "time of all workers": f"{seconds / 60:,.1f} minutes in training",
        "workers": ", ".join(workers) or "none yet",
        "devices": ", ".join(devices) or "none yet",
    }


def _settings(view: StudyView) -> dict[str, str]:
    settings = {k: str(v) for k, v in configuration.to_settings(view.config).items()}
    made_with: dict[str, list[str]] = {}
    for environment in configuration.environments(view.folder.settings):
        for name, value in environment.items():
            made_with.setdefault(f"{name} (made with)", []).append(value)
    # Values that changed between searches are listed in order.
    versions = {name: "; then ".join(dict.fromkeys(values)) for name, values in made_with.items()}
    return settings | versions


def _member(record: Record, verified: Mapping[int, Verification]) -> Member:
    architecture = record.architecture
    found = verified.get(record.number)
    return Member(record, found, draw(architecture), layer_cells(architecture))


def _figures(view: StudyView, compared: Sequence[StudyView]) -> dict[str, go.Figure]:
    """The figures for which the study has enough records, by their id on the page."""
    records, budget = view.records, view.config.budget
    found: dict[str, go.Figure] = {}
    if view.front:
        found["front"] = front_figure(view, compared)
        own = analysis.hypervolume_history(records, budget)
        others = {
            escape(other.folder.name): analysis.hypervolume_history(other.records, budget)
            for other in compared
        }
        found["hypervolume"] = figures.hypervolume(own, others)
        found["curves"] = figures.curves(records, view.front)
    if importances := analysis.importances(view.study):
        found["importances"] = figures.importances(*importances)
    features = analysis.trained_features(records)
    if len(features) > 1:
        found["parallel"] = figures.parallel(features)
    if spans := analysis.timeline(records):
        found["timeline"] = figures.timeline(spans)
    if records:
        found["outcomes"] = figures.outcomes(analysis.outcomes(records))
    whole, shares = analysis.budget_breakers(records)
    if shares:
        found["breakers"] = figures.budget_breakers(whole, shares)
    return found


def front_figure(view: StudyView, compared: Sequence[StudyView] = ()) -> go.Figure:
    """The front of the study beside published networks and the fronts in `compared`."""
    return figures.front(
        view,
        BY_DATASET.get(view.config.dataset),
        {escape(other.folder.name): other for other in compared},
    )
