"""Plotly figures of a study: its values, or rows made of them, in, a figure out.

Figures carry no background and no colour of text, so that the page they stand on can be light or
dark. All numbers are Python's own: numpy arrays would be packed in a way that an older plotly.js,
as in the Optuna dashboard, does not read.
"""

from collections.abc import Mapping, Sequence
from math import log10

import plotly.graph_objects as go

from nas.records import Record, State
from nas.results.analysis import Features, Share, Span, Step
from nas.results.opened import Opened
from nas.results.references import Reference

# Told apart by most colour-blind people, and readable on white and on near-black.
BLUE, ORANGE, GREEN, PURPLE, RED, GREY = (
    "#3b82f6",
    "#e8870c",
    "#12a150",
    "#a45ee5",
    "#e5484d",
    "#8b929c",
)
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
SYMBOLS = ("x", "triangle-up")  # of other people's networks
CURVES = 60  # of candidates behind the front that are drawn; more hide each other


def front(
    study: Opened,
    references: Mapping[str, Sequence[Reference]] | None = None,
    others: Mapping[str, Opened] | None = None,
) -> go.Figure:
    """Accuracy over parameters: the front as a step line, all other candidates behind it, and what
    has been verified.

    `references` are other people's networks by what they are called, `others` other studies by
    name, whose fronts and verified networks are drawn in colours of their own.
    """
    records, on_front, budget = study.records, study.front, study.config.budget
    compared = list(zip((others or {}).items(), OTHERS * 9, strict=False))
    points = [reference for group in (references or {}).values() for reference in group]
    figure = _figure("parameters", "accuracy, %")
    members = {record.number for record in on_front}
    behind = [r for r in records if r.state is State.TRAINED and r.number not in members]
    figure.add_scatter(
        x=[r.params for r in behind],
        y=[r.accuracy for r in behind],
        text=[_hover(r) for r in behind],
        mode="markers",
        name="dominated",
        marker={"color": GREY, "size": 7, "opacity": 0.5},
        hovertemplate="%{text}<extra></extra>",
    )
    stopped = [r for r in records if r.state is State.STOPPED]
    if stopped:
        figure.add_scatter(
            x=[r.params for r in stopped],
            y=[r.accuracy for r in stopped],
            text=[f"{_hover(r)}<br>stopped after epoch {r.epochs}" for r in stopped],
            mode="markers",
            name="stopped early (when it was stopped)",
            marker={"color": GREY, "size": 6, "symbol": "circle-open", "opacity": 0.6},
            hovertemplate="%{text}<extra></extra>",
        )
    for (name, other), color in compared:
        also = ", ◆ verified" if other.verified else ""
        named = f"front of {name}{also}"
        _front_line(figure, other.front, other.config.budget, named, color, legendgroup=name)
    for (name, group), symbol in zip((references or {}).items(), SYMBOLS * 9, strict=False):
        figure.add_scatter(
            x=[r.params for r in group],
            y=[r.accuracy for r in group],
            text=[
                f"{r.name}<br>{r.params:,} parameters, {r.accuracy:.2f} % claimed" for r in group
            ],
            mode="markers",
            name=name,
            marker={"color": GREEN, "size": 9, "symbol": symbol},
            hovertemplate="%{text}<extra></extra>",
        )
    _front_line(figure, on_front, budget, "front (held out, one run)", BLUE, legendrank=1)
    # The line of another study names its diamonds as well, and hides them with itself.
    for (name, other), color in compared:
        _verified(figure, other, f"verified, {name}", color, legendgroup=name, showlegend=False)
    _verified(figure, study, "verified (test, mean ± s.d. over seeds)", ORANGE, legendrank=2)
    # What the legend needs in two columns, so that it does not take it from the plot.
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


def _verified(figure: go.Figure, study: Opened, name: str, color: str, **legend: object) -> None:
    """What `nas verify` found of `study`, of its front or not."""
    verified = study.verified
    shown = [r for r in study.records if r.number in verified]
    if not shown:
        return
    found = [verified[r.number] for r in shown]
    figure.add_scatter(
        x=[r.params for r in shown],
        y=[v.mean for v in found],
        error_y={"array": [v.std or 0.0 for v in found], "thickness": 1.5, "width": 4},
        text=[f"{_hover(r)}<br>{v.sentence()}" for r, v in zip(shown, found, strict=True)],
        mode="markers",
        name=name,
        marker={"color": color, "size": 9, "symbol": "diamond"},
        hovertemplate="%{text}<extra></extra>",
        **legend,
    )


def _front_line(
    figure: go.Figure,
    records: Sequence[Record],
    budget: int,
    name: str,
    color: str,
    **legend: object,
) -> None:
    # The last step is drawn out to the study's own budget: no candidate up to there is better.
    end = [max(budget, records[-1].params or 0)] if records else []
    figure.add_scatter(
        x=[*[r.params for r in records], *end],
        y=[*[r.accuracy for r in records], *[r.accuracy for r in records[-1:]]],
        text=[*[_hover(r) for r in records], *[_hover(r) for r in records[-1:]]],
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
    """The accuracies worth showing: from the best down to three times its distance to 100 %, or to
    the front's third best where that is lower, but not below 60 points."""
    near = [r.accuracy for r in references if r.params <= 2.6 * budget]
    best = max([*[r.accuracy or 0 for r in on_front], *means, *near], default=100.0)
    third = [r.accuracy or 0 for r in on_front][-3:]
    span = min(60.0, max([1.0, 3 * (100 - best), *[1.05 * (best - value) for value in third]]))
    return best - span, min(100.1, best + 0.12 * span)


def _hover(record: Record) -> str:
    return (
        f"trial {record.number}: {record.params:,} parameters, {record.accuracy:.2f} %<br>"
        f"{record.architecture.summary()}"
    )


def hypervolume(steps: Sequence[Step], others: Mapping[str, Sequence[Step]]) -> go.Figure:
    """Hypervolume over the epochs that had been trained."""
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
    """Held-out error over epochs, the front's candidates in blue, those that were stopped early in
    their own colour; errors on a log axis."""
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
        # A network without an error has no place on a log axis.
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
    """Which of the space's parameters matter, for accuracy and for size."""
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
    figure.update_yaxes(automargin=True)
    return figure


def parallel(rows: Sequence[Features]) -> go.Figure:
    """Every trained candidate as a line through its features, coloured by accuracy."""
    figure = _figure("", "")
    logarithmic = {"params": "parameters", "macs": "MACs", "peak_ram": "peak RAM, bytes"}
    plain = {"depth": "layers", "widest": "widest", "receptive_field": "receptive field"}
    dimensions = [
        {"label": label, "values": [getattr(row, name) for row in rows]}
        for name, label in plain.items()
    ]
    for name, label in logarithmic.items():
        values = [getattr(row, name) for row in rows]
        ticks = _log_ticks(min(values), max(values))
        dimensions.append(
            {
                "label": label,
                "values": [round(log10(value), 4) for value in values],
                "tickvals": [log10(tick) for tick in ticks],
                "ticktext": [f"{tick:,}" for tick in ticks],
            }
        )
    accuracies = [row.accuracy for row in rows]
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
    """Round numbers from `low` to `high` for a log axis, with both ends."""
    ticks = [m * 10**e for e in range(12) for m in (1, 2, 5) if low * 1.2 < m * 10**e < high / 1.2]
    return [low, *ticks, high] if high > low else [low]


def timeline(spans: Sequence[Span]) -> go.Figure:
    """What every worker trained, and when."""
    figure = _figure("UTC", "")
    for state in State:
        own = [span for span in spans if span.state is state]
        if own:
            figure.add_bar(
                y=[span.worker for span in own],
                # Milliseconds: what plotly adds to a base on a date axis.
                x=[(s.finished - s.started).total_seconds() * 1000 for s in own],
                base=[span.started.isoformat() for span in own],
                text=[str(span.trial) for span in own],
                customdata=[f"{span.params or 0:,} parameters" for span in own],
                orientation="h",
                name=state.value,
                marker={"color": BY_STATE[state], "line": {"width": 1, "color": "#ffffff"}},
                hovertemplate="trial %{text}, %{customdata}<extra></extra>",
            )
    workers = len({span.worker for span in spans})
    figure.update_layout(barmode="overlay", height=max(220, 130 + 40 * workers))
    figure.update_xaxes(type="date")
    figure.update_yaxes(automargin=True, autorange="reversed")
    return figure


def outcomes(counts: Mapping[State, int]) -> go.Figure:
    """How many draws ended how."""
    figure = _figure("draws", "")
    for state, count in counts.items():
        figure.add_bar(
            y=[state.value],
            x=[count],
            orientation="h",
            marker={"color": BY_STATE[state]},
            text=[f"{count:,}"],
            textposition="auto",
            hovertemplate="%{y}: %{x:,}<extra></extra>",
        )
    figure.update_layout(showlegend=False, height=max(220, 110 + 34 * len(counts)))
    figure.update_yaxes(automargin=True, autorange="reversed")
    return figure


def budget_breakers(whole: Share, shares: Sequence[Share]) -> go.Figure:
    """The choices that were over budget most often, beside all draws."""
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
    figure.update_yaxes(automargin=True, autorange="reversed")
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
