"""`nas show`: one candidate."""

from typing import Annotated

import typer

from nas.cli.arguments import Study, whole


def command(
    study: Study = None,
    trial: Annotated[
        int | None,
        typer.Option(
            help="Its number. Default: the most accurate one.",
            show_default=False,
            parser=whole,
            metavar="N",
        ),
    ] = None,
) -> None:
    """One candidate: what became of it, its layers, its learning curve."""
    from rich.markup import escape

    from nas.architecture import show
    from nas.cli.text import console, kilobytes, number, percent, table
    from nas.records import choice
    from nas.results.opened import opened

    found = opened(study)
    record = choice.best(found.records) if trial is None else choice.by_number(found.records, trial)
    out = console()
    why = f": {record.reason}" if record.reason else ""
    out.print(f"Trial {record.number} of {found.folder.path}, {record.state}{why}", markup=False)
    if not record.architecture_json:
        out.print("It has no layers to show. Drawn:")
        for name, value in record.sampled.items():
            out.print(f"  {name} = {value}", markup=False)
        return
    architecture = record.architecture
    keras = architecture.params + architecture.statistics
    out.print(
        f"{number(architecture.params)} parameters ({number(keras)} with BN statistics, as Keras "
        f"counts), {number(architecture.macs)} MACs\n"
        f"Peak RAM of activations: {kilobytes(architecture.ram('float32'))} in float32, "
        f"{kilobytes(architecture.ram('int8'))} in int8 "
        f"({kilobytes(architecture.ram('int8', with_input=False))} without the input)"
    )
    out.print()
    columns = [
        ("", "right"),
        ("layer", "left"),
        ("output", "right"),
        ("field", "right"),
        ("params", "right"),
        ("MACs", "right"),
    ]
    rows = [
        (
            str(row.number),
            escape(row.text),
            show(row.out_shape),
            str(row.receptive_field),
            number(row.params) if row.params else "",
            number(row.macs) if row.macs else "",
        )
        for row in architecture.table()
    ]
    out.print(table(columns, rows))
    if record.curve:
        columns = [
            ("epoch", "right"),
            ("train loss", "right"),
            ("train acc.", "right"),
            ("held-out loss", "right"),
            ("held-out acc.", "right"),
            ("seconds", "right"),
        ]
        rows_ = [
            (
                str(epoch.number),
                f"{epoch.train_loss:.4f}",
                percent(epoch.train_accuracy),
                f"{epoch.loss:.4f}",
                percent(epoch.accuracy),
                f"{epoch.seconds:.1f}",
            )
            for epoch in record.curve
        ]
        out.print(table(columns, rows_))
