"""Write a network as readable source: model.py, which imports only torch."""

import textwrap
from dataclasses import dataclass

from nas.architecture import Architecture, show

HEADING = 97  # width of the docstring's first lines, after three quotes
WIDEST_CODE = 80  # column where comments align; after longer lines they follow two spaces


@dataclass(frozen=True, slots=True)
class _Line:
    code: str
    shape: str = ""
    field: str = ""
    params: str = ""


def model(architecture: Architecture, title: str, mean: float, std: float) -> str:
    """The text of model.py: a class `Net` with named stages and the layer table in comments.

    It contains the calls that `nas.build` makes, so both have the same state dictionary. `mean` and
    `std` are those of the pixels, in 0 to 1, that the network was trained on.
    """
    channels, height, width = architecture.input_shape
    stages = architecture.stages()
    lines = _lines(architecture)
    steps = [f"        x = self.{stage.name}(x)" for stage in stages[1:-1]]
    if len(stages) > 1:
        steps.insert(0, f"        x = self.{stages[0].name}(images)")
    last = "x" if len(stages) > 1 else "images"
    keras = architecture.params + architecture.statistics
    heading = textwrap.fill(
        f"{_safe(title)}: {architecture.summary()}",
        HEADING,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return f'''"""{heading}

{architecture.params:,} parameters ({keras:,} with batch norm's statistics), {architecture.macs:,} \
multiply-accumulates,
{architecture.ram("int8"):,} values of activations at most at one time.
"""

from torch import Tensor, nn

# Of the pixels, scaled to 0 to 1, that it was trained on: it takes (pixels - MEAN) / STD.
MEAN, STD = {mean!r}, {std!r}


class Net(nn.Module):
    """Normalised images (N, {channels}, {height}, {width}) to outputs (N, \
{", ".join(map(str, architecture.out_shape))})."""

    def __init__(self) -> None:
        super().__init__()
{lines}

    def forward(self, images: Tensor) -> Tensor:
{"".join(f"{step}{chr(10)}" for step in steps)}        return self.{stages[-1].name}({last})
'''


def _lines(architecture: Architecture) -> str:
    """The assignments of the stages, each layer with its row of the table as a comment.

    A layer whose weights others share is assigned to a name before the stages.
    """
    table, calls, sources = architecture.table(), architecture.calls(), architecture.sources
    again = architecture.used_again
    names = {source: f"layer{source + 1}" for source in again}
    lines = [_Line(f"        {names[source]} = nn.{calls[source]}") for source in again]
    for stage in architecture.stages():
        lines.append(_Line(f"        self.{stage.name} = nn.Sequential("))
        for index in range(stage.start, stage.start + len(stage.layers)):
            row, made = table[index], names.get(sources[index], f"nn.{calls[index]}")
            code = f"            {made},"
            before = architecture.shapes[index]
            if row.params or row.out_shape != before:
                field, params = str(row.receptive_field), f"{row.params:,}" if row.params else ""
                lines.append(_Line(code, show(row.out_shape), field, params))
            else:
                lines.append(_Line(code))
        lines.append(_Line("        )"))
    heading = _Line("", "output", "field", "parameters")
    wide = min(WIDEST_CODE, max(len(line.code) for line in lines))
    widths = [
        max(len(getattr(line, name)) for line in [heading, *lines])
        for name in ("shape", "field", "params")
    ]

    def comment(line: _Line) -> str:
        cells = (line.shape.rjust(widths[0]), line.field.rjust(widths[1]))
        return f"# {cells[0]}  {cells[1]}  {line.params.rjust(widths[2])}".rstrip()

    text = [f"{ln.code.ljust(wide)}  {comment(ln)}" if ln.shape else ln.code for ln in lines]
    text.insert(len(again), " " * (wide + 2) + comment(heading))
    return "\n".join(text)


def _safe(title: str) -> str:
    """`title` without characters that could end a docstring."""
    return title.replace("\\", "/").replace('"', "'")
