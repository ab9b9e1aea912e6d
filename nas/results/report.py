"""The report: one HTML file that works offline."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape

import jinja2
import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from nas.architecture import show
from nas.records import Record, State, Verification
from nas.results import analysis, figures
from nas.results.drawing import draw
from nas.results.opened import Opened
from nas.results.references import BY_DATASET
from nas.study import config as configuration


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure in the report, with what it shows in words."""

    id: str
    title: str
    caption: str
    figure: go.Figure
    wide: bool = False  # scrolls sideways on a narrow screen


@dataclass(frozen=True, slots=True)
class Member:
    """A candidate of the front, for its table and its own part of the page."""

    record: Record
    verified: Verification | None
    drawing: str  # SVG
    layers: Sequence[tuple[str, ...]]  # number, call, output, receptive field, parameters, MACs


_STEPS = " Steps up in the error are restarts of the learning rate."


def write(opened: Opened, compared: Sequence[Opened] = ()) -> str:
    """The report's HTML. `compared` are studies whose fronts are drawn beside its own."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("nas.results", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pictures = _pictures(opened, compared)
    return environment.get_template("report.html.jinja").render(
        name=opened.folder.name,
        config=opened.config,
        summary=summary(opened),
        pictures={picture.id: picture for picture in pictures},
        specs={p.id: json.loads(p.figure.to_json()) for p in pictures},
        members=[_member(record, opened.verified) for record in reversed(opened.front)],
        settings=_settings(opened),
        facts=facts(opened),
        plotly=get_plotlyjs(),
        written=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
    )


def summary(opened: Opened) -> list[str]:
    """The study in a few sentences."""
    config, front = opened.config, opened.front
    counts = analysis.outcomes(opened.records)
    ended = ", ".join(f"{count:,} {state.value}" for state, count in counts.items())
    sentences = [
        f"{config.dataset_name}, at most {config.budget:,} parameters, space {config.space}, "
        f"{config.recipe.epochs} epochs a candidate.",
        f"{len(opened.records):,} draws: {ended}." if counts else "No draw yet.",
    ]
    if front:
        best = front[-1]
        sentences.append(
            f"Front of {len(front)}; the most accurate has {best.params:,} parameters and "
            f"{best.accuracy:.2f} % on held-out training images, in one run."
        )
    verified = [record for record in front if record.number in opened.verified]
    if verified:
        # The most accurate on the held-out images: the best test accuracy of many would be luck.
        best = verified[-1]
        sentences.append(
            f"Verified: {len(verified)} of {len(front)}; the largest of them, {best.params:,} "
            f"parameters, has {opened.verified[best.number].sentence()}."
        )
    elif front:
        sentences.append("No test image has been read; nas verify does that.")
    return sentences


def facts(opened: Opened) -> dict[str, str]:
    """What the study has cost."""
    records, config = opened.records, opened.config
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


def _settings(opened: Opened) -> dict[str, str]:
    settings = {k: str(v) for k, v in configuration.to_settings(opened.config).items()}
    made_with: dict[str, list[str]] = {}
    for environment in configuration.environments(opened.folder.settings):
        for name, value in environment.items():
            made_with.setdefault(f"{name} (made with)", []).append(value)
    # What changed on the way stands there in the order in which it came.
    then = {name: "; then ".join(dict.fromkeys(values)) for name, values in made_with.items()}
    return {**settings, **then}


def _member(record: Record, verified: Mapping[int, Verification]) -> Member:
    architecture = record.architecture
    layers = [
        (
            str(row.number),
            row.text,
            show(row.out_shape),
            str(row.receptive_field),
            f"{row.params:,}" if row.params else "",
            f"{row.macs:,}" if row.macs else "",
        )
        for row in architecture.table()
    ]
    return Member(record, verified.get(record.number), draw(architecture), layers)


def _pictures(opened: Opened, compared: Sequence[Opened]) -> list[Picture]:
    """The figures that the study has enough records for."""
    records, config, front = opened.records, opened.config, opened.front
    pictures = []
    if front:
        pictures.append(
            Picture(
                "front",
                "Accuracy against parameters",
                "Held-out training images, one run a candidate, after the last epoch. The window "
                "shows the upper end: double-click for everything.",
                front_figure(opened, compared),
            )
        )
        others = {
            escape(other.folder.name): analysis.hypervolume_history(other.records, config.budget)
            for other in compared
        }
        pictures.append(
            Picture(
                "hypervolume",
                "What each epoch brought",
                f"The share of the box from 100 to {config.budget:,} parameters (in their "
                f"logarithm) and from {analysis.LEAST_ACCURACY:g} to 100 % that the front covers.",
                figures.hypervolume(analysis.hypervolume_history(records, config.budget), others),
            )
        )
        pictures.append(
            Picture(
                "curves",
                "Learning curves",
                "The front's candidates in blue; those that were stopped early end at their "
                f"rung.{_STEPS if config.recipe.schedule == 'restarts' else ''}",
                figures.curves(records, front),
            )
        )
    pictures += _why(opened)
    spans = analysis.timeline(records)
    if spans:
        pictures.append(
            Picture(
                "timeline",
                "Who trained what, and when",
                "One bar a candidate, with its trial's number.",
                figures.timeline(spans),
            )
        )
    if records:
        pictures.append(
            Picture(
                "outcomes",
                "What became of the draws",
                "Those that trained, to the end or until they were stopped early, count towards "
                "--trials; rejected ones cost no training.",
                figures.outcomes(analysis.outcomes(records)),
            )
        )
    whole, shares = analysis.budget_breakers(records)
    if shares:
        pictures.append(
            Picture(
                "breakers",
                "Which choices broke the budget",
                f"Choices that at least {analysis.FEW_DRAWS} draws made. The dotted line is all "
                f"draws whose layers fit together: {whole.over} of {whole.draws}.",
                figures.budget_breakers(whole, shares),
            )
        )
    return pictures


def front_figure(opened: Opened, compared: Sequence[Opened] = ()) -> go.Figure:
    """The front of the study, with what is known to compare it with."""
    return figures.front(
        opened,
        BY_DATASET.get(opened.config.dataset),
        {escape(other.folder.name): other for other in compared},
    )


def _why(opened: Opened) -> list[Picture]:
    pictures = []
    found = analysis.importances(opened.study)
    if found:
        pictures.append(
            Picture(
                "importances",
                "Which parameters of the space matter",
                "PED-ANOVA over the trained candidates: what sets the best tenth, and the smallest "
                "tenth, apart. With few trials this is noise.",
                figures.importances(*found),
            )
        )
    rows = analysis.features(opened.records)
    if len(rows) > 1:
        pictures.append(
            Picture(
                "parallel",
                "What the networks have in common",
                "One line a candidate; drag along an axis to select.",
                figures.parallel(rows),
                wide=True,
            )
        )
    return pictures
