"""Notes for the dashboard in Markdown: on a study and on a trained candidate."""

from collections.abc import Sequence
from shlex import quote

from nas.records import Record, Verification
from nas.records.tables import LAYER_HEADINGS, layer_cells
from nas.results.report import facts, summary
from nas.results.view import StudyView
from nas.study import config as configuration

OURS = "*Kept up to date by nas. To write a note of your own, delete this line.*"


def study(view: StudyView) -> str:
    """The note on a study: summary, front, how to resume it, settings."""
    name = quote(view.folder.given)  # no absolute path: the study may move to another machine
    settings = configuration.to_settings(view.config)
    parts = [
        OURS,
        "\n".join(summary(view)),
        "## Front",
        _front(view),
        "Held out: training images that a search sets aside, one run. Test: mean ± standard "
        "deviation over fresh seeds, from `nas verify`.",
        "## Next",
        f"```\nnas search --study {name} --trials N\nnas report {name}\n"
        f"nas verify {name}\nnas export {name}\n```",
        "## Cost",
        _table(("what", "how much"), list(facts(view).items())),
        "## Settings",
        _table(("setting", "value"), [(key, f"`{value}`") for key, value in settings.items()]),
    ]
    return "\n\n".join(parts)


def candidate(record: Record, epochs: int, verified: Verification | None = None) -> str:
    """The note on a trained candidate: its figures, why training ended, its layers."""
    architecture = record.architecture
    reason = record.reason or f"it trained all {epochs} epochs"
    lines = [
        OURS,
        f"`{architecture.summary()}`",
        f"**{architecture.params:,} parameters, {record.accuracy:.2f} %** of the held-out images "
        f"after {record.epochs} epochs; {architecture.macs:,} MACs; peak of activations "
        f"{architecture.ram('float32') / 1024:.1f} KiB in float32, "
        f"{architecture.ram('int8') / 1024:.1f} KiB in int8.",
        f"Training ended: {reason}.",
    ]
    if verified:
        lines.append(f"Verified: {verified.sentence()}.")
    rows = [(number, f"`{text}`", *rest) for number, text, *rest in layer_cells(architecture)]
    return "\n\n".join([*lines, _table(LAYER_HEADINGS, rows)])


def _front(view: StudyView) -> str:
    rows = []
    for record in view.front:
        found = view.verified.get(record.number)
        rows.append(
            (
                f"{record.params:,}",
                f"{record.accuracy:.2f}",
                f"{found.spread} (n = {found.n})" if found else "-",
                f"{record.macs:,}",
                str(record.number),
                f"`{record.architecture.summary()}`",
            )
        )
    return _table(("parameters", "held out, %", "test, %", "MACs", "trial", "architecture"), rows)


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines: list[Sequence[str]] = [headings, ("---",) * len(headings), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
