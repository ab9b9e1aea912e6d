"""Notes for the dashboard, in Markdown: of a study and of a trained candidate."""

from collections.abc import Sequence
from shlex import quote

from nas.architecture import show
from nas.records import Record, Verification
from nas.results.opened import Opened
from nas.results.report import facts, summary
from nas.study import config as configuration

OURS = "*Kept up to date by nas. To write a note of your own, delete this line.*"


def study(opened: Opened) -> str:
    """The study in words, its front as a table, how to resume it, and its settings."""
    place = quote(opened.folder.given)  # as it was named: a study may move to another machine
    settings = configuration.to_settings(opened.config)
    parts = [
        OURS,
        "\n".join(summary(opened)),
        "## Front",
        _front(opened),
        "Held out: training images that a search sets aside, one run. Test: mean ± standard "
        "deviation over fresh seeds, from `nas verify`.",
        "## Go on",
        f"```\nnas search --study {place} --trials N\nnas report {place}\n"
        f"nas verify {place}\nnas export {place}\n```",
        "## Cost",
        _table(("what", "how much"), [(name, value) for name, value in facts(opened).items()]),
        "## Settings",
        _table(("setting", "value"), [(name, f"`{value}`") for name, value in settings.items()]),
    ]
    return "\n\n".join(parts)


def candidate(record: Record, epochs: int, verified: Verification | None = None) -> str:
    """One trained candidate: its figures, why it stopped, its layers."""
    architecture = record.architecture
    reason = record.reason or f"it has trained all of its {epochs} epochs"
    lines = [
        OURS,
        f"`{architecture.summary()}`",
        f"**{architecture.params:,} parameters, {record.accuracy:.2f} %** of the held-out images "
        f"after {record.epochs} epochs; {architecture.macs:,} MACs; peak of activations "
        f"{architecture.ram('float32') / 1024:.1f} KiB in float32, "
        f"{architecture.ram('int8') / 1024:.1f} KiB in int8.",
        f"It stopped: {reason}.",
    ]
    if verified:
        lines.append(f"Verified: {verified.sentence()}.")
    rows = [
        (
            str(row.number),
            f"`{row.text}`",
            show(row.out_shape),
            str(row.receptive_field),
            f"{row.params:,}" if row.params else "",
            f"{row.macs:,}" if row.macs else "",
        )
        for row in architecture.table()
    ]
    headings = ("", "layer", "output", "receptive field", "parameters", "MACs")
    return "\n\n".join([*lines, _table(headings, rows)])


def _front(opened: Opened) -> str:
    rows = []
    for record in opened.front:
        found = opened.verified.get(record.number)
        test = "-"
        if found:
            spread = "" if found.std is None else f" ± {found.std:.2f}"
            test = f"{found.mean:.2f}{spread} (n = {found.n})"
        rows.append(
            (
                f"{record.params:,}",
                f"{record.accuracy:.2f}",
                test,
                f"{record.macs:,}",
                str(record.number),
                f"`{record.architecture.summary()}`",
            )
        )
    return _table(("parameters", "held out, %", "test, %", "MACs", "trial", "architecture"), rows)


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines: list[Sequence[str]] = [headings, ("---",) * len(headings), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
