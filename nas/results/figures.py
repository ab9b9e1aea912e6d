"""Plotly figures of a study, from its records or from rows of `analysis`.

Figures set neither background nor text colour, so that the page around them can be light or dark.
Numbers are Python's own, because the plotly.js of the Optuna dashboard is too old to read the
packed form of numpy arrays.
"""

from collections.abc import Mapping, Sequence
from math import log10
from typing import Any

import plotly.graph_objects as go

from nas.records import Record, State
from nas.results.analysis import Share, Span, Step
from nas.results.references import Reference
from nas.results.view import StudyView
from nas.sampling.features import Features

# Distinct for most colour-blind people, and readable on white and on near-black.
BLUE, ORANGE, GREEN = "#3b82f6", "#e8870c", "#12a150"
PURPLE, RED, GREY = "#a45ee5", "#e5484d", "#8b929c"
OTHERS = (PURPLE, RED, "#0ea5b7", "#b0823a", "#e752bf", "#8a9a1b")
BY_STATE = {
    State.TRAINED: BLUE,
    State.STOPPED: "#0ea5b7",
    State.OVER_BUDGET: ORANGE,
    State.TOO_SMALL: "#c9a227",
    State.DUPLICATE: PURPLE,
    State.IMPOSSIBLE: RED,
    State.FAILED: "#b0823a",
    State.INTERRUPTED: GREY,
    State.RUNNING: GREEN,
}
SYMBOLS = ("x", "triangle-up")  # of published networks
CURVES = 60  # dominated candidates drawn; more hide each other


def front(
    study: StudyView,
    references: Mapping[str, Sequence[Reference]] | None = None,
    others: Mapping[str, StudyView] | None = None,
) -> go.Figure:
    """Accuracy over parameters: the front as a step line, all other candidates, and the verified.

    `references` are published networks by their name in the legend. `others` are studies by name,
    whose fronts and verified networks are drawn in colours of their own.
    """
    records, on_front, budget = study.records, study.front, study.config.budget
    compared = list(zip((others or {}).items(), OTHERS * 9, strict=False))
    points = [reference for group in (references or {}).values() for reference in group]
    figure = _figure("parameters", "accuracy, %")
    members = {record.number for record in on_front}
    behind = [r for r in records if r.state is State.TRAINED and r.number not in members]
    texts = [_hover(r) for r in behind]
    _markers(figure, behind, texts, "dominated", {"color": GREY, "size": 7, "opacity": 0.5})
    stopped = [r for r in records if r.state is State.STOPPED]
    if stopped:
        texts = [f"{_hover(r)}<br>stopped after epoch {r.epochs}" for r in stopped]
        circle = {"color": GREY, "size": 6, "symbol": "circle-open", "opacity": 0.6}
        _markers(figure, stopped, texts, "stopped early (when it was stopped)", circle)
    for (name, other), color in compared:
        also = ", ◆ verified" if other.verified else ""
        named = f"front of {name}{also}"
        _front_line(figure, other.front, other.config.budget, named, color, legendgroup=name)
    for (name, group), symbol in zip((references or {}).items(), SYMBOLS * 9, strict=False):
        texts = [f"{r.name}<br>{r.params:,} parameters, {r.accuracy:.2f} % claimed" for r in group]
        _markers(figure, group, texts, name, {"color": GREEN, "size": 9, "symbol": symbol})
    _front_line(figure, on_front, budget, "front (held out, one run)", BLUE, legendrank=1)
    # One entry of the legend shows or hides both the line and the diamonds of another study.
    for (name, other), color in compared:
        _verified(figure, other, f"verified, {name}", color, legendgroup=name, showlegend=False)
    _verified(figure, study, "verified (test, mean ± s.d. over seeds)", ORANGE, legendrank=2)
    # Room for the legend, so that it does not shrink the plot.
    entries = sum(trace.showlegend is not False for trace in figure.data)
    figure.update_layout(height=370 + 12 * entries)
    figure.add_vline(x=budget, line={"color": RED, "dash": "dot", "width": 1.5})
    figure.add_annotation(
        x=log10(budget),
        y=0.02,
        yref="paper",
        text=f"budget {budget:,}",
        showarrow=False,
        xanchor="right",
        textangle=-90,
        yanchor="bottom",
    )
    found = [v.mean for one in (study, *(others or {}).values()) for v in one.verified.values()]
    low, high = _window(on_front, found, points, budget)
    figure.update_yaxes(range=[low, high])
    inside = [r.params or 1 for r in on_front if (r.accuracy or 0) >= low]
    left = 0.8 * min(inside, default=budget / 10)
    near = [r.params for r in points if r.params <= 2.6 * budget]
    figure.update_xaxes(
        type="log",
        range=[log10(left), log10(1.12 * max([budget, *near]))],
        dtick="D2",
        tickformat=",~d",
    )
    return figure


def _verified(figure: go.Figure, study: StudyView, name: str, color: str, **legend: object) -> None:
    """All verified networks of `study`, on its front or not."""
    verified = study.verified
    shown = [r for r in study.records if r.number in verified]
    if not shown:
        return
    found = [verified[r.number] for r in shown]
    _markers(
        figure,
        shown,
        [f"{_hover(r)}<br>{v.sentence()}" for r, v in zip(shown, found, strict=True)],
        name,
        {"color": color, "size": 9, "symbol": "diamond"},
        y=[v.mean for v in found],
        error_y={"array": [v.std or 0.0 for v in found], "thickness": 1.5, "width": 4},
        **legend,
    )


def _markers(
    figure: go.Figure,
    networks: Sequence[Record] | Sequence[Reference],
    texts: Sequence[str],
    name: str,
    marker: Mapping[str, Any],
    y: Sequence[float] | None = None,
    **more: object,
) -> None:
    """A point for each network, at `y` or its accuracy; `texts` appear under the mouse."""
    figure.add_scatter(
        x=[network.params for network in networks],
        y=[network.accuracy for network in networks] if y is None else y,
        text=texts,
        mode="markers",
        name=name,
        marker=dict(marker),
        hovertemplate="%{text}<extra></extra>",
        **more,
    )


def _front_line(
    figure: go.Figure,
    records: Sequence[Record],
    budget: int,
    name: str,
    color: str,
    **legend: object,
) -> None:
    # The last step extends to the study's own budget: no candidate up to there is better.
    end = [max(budget, records[-1].params or 0)] if records else []
    drawn = [*records, *records[-1:]]
    figure.add_scatter(
        x=[r.params for r in records] + end,
        y=[r.accuracy for r in drawn],
        text=[_hover(r) for r in drawn],
        mode="lines+markers",
        name=name,
        line={"shape": "hv", "color": color, "width": 2},
        marker={"size": [9] * len(records) + [0] * len(end), "color": color, "line": {"width": 0}},
        hovertemplate="%{text}<extra></extra>",
        **legend,
    )


def _window(
    on_front: Sequence[Record],
    means: Sequence[float],
    references: Sequence[Reference],
    budget: int,
) -> tuple[float, float]:
    """The range of accuracies to show.

    It extends below the best by three times its distance to 100 %, or down to the third best of the
    front if that is lower, but by at most 60 points.
    """
    near = [r.accuracy for r in references if r.params <= 2.6 * budget]
    front = [r.accuracy or 0 for r in on_front]
    best = max([*front, *means, *near], default=100.0)
    third = min(front[-3:], default=best)
    span = min(60.0, max(1.0, 3 * (100 - best), 1.05 * (best - third)))
    return best - span, min(100.1, best + 0.12 * span)


def _hover(record: Record) -> str:
    return (
        f"trial {record.number}: {record.params:,} parameters, {record.accuracy:.2f} %<br>"
        f"{record.architecture.summary()}"
    )


def hypervolume(steps: Sequence[Step], others: Mapping[str, Sequence[Step]]) -> go.Figure:
    """Hypervolume over the epochs trained so far."""
    figure = _figure("epochs trained, all candidates together", "hypervolume")
    named = {"this study": steps, **others}
    for (name, own), color in zip(named.items(), (BLUE, *OTHERS * 9), strict=False):
        figure.add_scatter(
            x=[step.epochs for step in own],
            y=[round(step.hypervolume, 5) for step in own],
            text=[f"trial {step.trial}" for step in own],
            mode="lines",
            name=name,
            line={"shape": "hv", "color": color, "width": 2},
            hovertemplate="%{text}: %{y:.3f} after %{x} epochs<extra></extra>",
        )
    figure.update_layout(showlegend=len(named) > 1)
    return figure


def curves(records: Sequence[Record], on_front: Sequence[Record]) -> go.Figure:
    """Held-out error over epochs on a log axis, the front in blue."""
    figure = _figure("epoch", "held-out error, %")
    members = {record.number for record in on_front}
    behind = [r for r in records if r.state is State.TRAINED and r.number not in members]
    stopped = [r for r in records if r.state is State.STOPPED]
    for record in stopped[-CURVES:]:
        _curve(figure, record, BY_STATE[State.STOPPED], 0.35, 1.0)
    for record in behind[-CURVES:]:
        _curve(figure, record, GREY, 0.35, 1.0)
    for record in on_front:
        _curve(figure, record, BLUE, 1.0, 2.0)
    figure.update_yaxes(type="log", dtick="D2")
    figure.update_layout(showlegend=False)
    return figure


def _curve(figure: go.Figure, record: Record, color: str, opacity: float, width: float) -> None:
    epochs = [epoch for epoch in record.curve if epoch.accuracy is not None]
    figure.add_scatter(
        x=[epoch.number for epoch in epochs],
        # An error of zero has no place on a log axis.
        y=[max(100 - (epoch.accuracy or 0), 0.01) for epoch in epochs],
        mode="lines",
        opacity=opacity,
        line={"color": color, "width": width},
        name=f"trial {record.number}",
        hovertemplate=(
            f"trial {record.number}, {record.params:,} parameters<br>"
            "%{y:.2f} % error after epoch %{x}<extra></extra>"
        ),
    )


def importances(accuracy: Mapping[str, float], size: Mapping[str, float]) -> go.Figure:
    """Importance of the space's parameters, for accuracy and for size."""
    figure = _figure("importance", "")
    names = sorted({*list(accuracy)[:10], *list(size)[:10]}, key=lambda n: accuracy.get(n, 0.0))
    for name, values, color in (("for accuracy", accuracy, BLUE), ("for size", size, ORANGE)):
        figure.add_bar(
            y=names,
            x=[values.get(parameter, 0.0) for parameter in names],
            name=name,
            orientation="h",
            marker={"color": color},
            hovertemplate="%{y}: %{x:.2f}<extra></extra>",
        )
    figure.update_layout(height=max(300, 120 + 26 * len(names)), barmode="group")
    return figure


def parallel(rows: Sequence[tuple[Features, float]]) -> go.Figure:
    """Every trained candidate as a line through its features, coloured by its accuracy."""
    figure = _figure("", "")
    logarithmic = {"params": "parameters", "macs": "MACs", "peak_ram": "peak RAM, bytes"}
    plain = {"depth": "layers", "widest": "widest", "receptive_field": "receptive field"}
    dimensions = [
        {"label": label, "values": [getattr(row, name) for row, _ in rows]}
        for name, label in plain.items()
    ]
    for name, label in logarithmic.items():
        values = [getattr(row, name) for row, _ in rows]
        ticks = _log_ticks(min(values), max(values))
        dimensions.append(
            {
                "label": label,
                "values": [round(log10(value), 4) for value in values],
                "tickvals": [log10(tick) for tick in ticks],
                "ticktext": [f"{tick:,}" for tick in ticks],
            }
        )
    accuracies = [accuracy for _, accuracy in rows]
    dimensions.append({"label": "accuracy, %", "values": accuracies})
    best = max(accuracies)
    figure.add_parcoords(
        dimensions=dimensions,
        line={
            "color": accuracies,
            "colorscale": "Viridis",
            "cmin": max(min(accuracies), best - max(1.0, 5 * (100 - best))),
            "cmax": best,
        },
    )
    figure.update_layout(margin={"l": 60, "r": 60, "t": 60, "b": 30})
    return figure


def _log_ticks(low: int, high: int) -> list[int]:
    """Round numbers between `low` and `high`, and both ends, for a log axis."""
    ticks = [m * 10**e for e in range(12) for m in (1, 2, 5) if low * 1.2 < m * 10**e < high / 1.2]
    return [low, *ticks, high] if high > low else [low]


def timeline(spans: Sequence[Span]) -> go.Figure:
    """The candidates that each worker trained, over time."""
    figure = _figure("UTC", "")
    for state in State:
        own = [span for span in spans if span[0].state is state]
        if own:
            figure.add_bar(
                y=[record.worker for record, _, _ in own],
                # On a date axis plotly takes a bar's length in milliseconds.
                x=[(finished - started).total_seconds() * 1000 for _, started, finished in own],
                base=[started.isoformat() for _, started, _ in own],
                text=[str(record.number) for record, _, _ in own],
                customdata=[f"{record.params or 0:,} parameters" for record, _, _ in own],
                orientation="h",
                name=state.value,
                marker={"color": BY_STATE[state], "line": {"width": 1, "color": "#ffffff"}},
                hovertemplate="trial %{text}, %{customdata}<extra></extra>",
            )
    workers = len({record.worker for record, _, _ in spans})
    figure.update_layout(barmode="overlay", height=max(220, 130 + 40 * workers))
    figure.update_xaxes(type="date")
    figure.update_yaxes(autorange="reversed")
    return figure


def outcomes(counts: Mapping[State, int]) -> go.Figure:
    """The number of draws in each state."""
    figure = _figure("draws", "")
    figure.add_bar(
        y=[state.value for state in counts],
        x=list(counts.values()),
        orientation="h",
        marker={"color": [BY_STATE[state] for state in counts]},
        texttemplate="%{x:,}",
        hovertemplate="%{y}: %{x:,}<extra></extra>",
    )
    figure.update_layout(showlegend=False, height=max(220, 110 + 34 * len(counts)))
    figure.update_yaxes(autorange="reversed")
    return figure


def budget_breakers(whole: Share, shares: Sequence[Share]) -> go.Figure:
    """The choices that were most often over budget, and the share among all draws."""
    figure = _figure("over budget, % of the draws with that choice", "")
    figure.add_bar(
        y=[share.choice for share in shares],
        x=[100 * share.share for share in shares],
        customdata=[f"{share.over} of {share.draws} draws" for share in shares],
        orientation="h",
        marker={"color": ORANGE},
        hovertemplate="%{y}: %{customdata}<extra></extra>",
    )
    figure.add_vline(x=100 * whole.share, line={"color": GREY, "dash": "dot"})
    figure.update_layout(showlegend=False, height=max(220, 110 + 28 * len(shares)))
    figure.update_xaxes(range=[0, 100])
    figure.update_yaxes(autorange="reversed")
    return figure


def _figure(x: str, y: str) -> go.Figure:
    grid = {"gridcolor": "rgba(128,128,128,0.25)", "zeroline": False, "automargin": True}
    return go.Figure(
        layout={
            "template": "none",
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "font": {"family": "system-ui, sans-serif", "size": 13},
            "margin": {"l": 56, "r": 16, "t": 16, "b": 48},
            "height": 420,
            "hovermode": "closest",
            "legend": {"orientation": "h", "y": -0.22, "x": 0, "tracegroupgap": 2},
            "xaxis": {"title": {"text": x, "standoff": 4}, **grid},
            "yaxis": {"title": {"text": y}, **grid},
        }
    )
