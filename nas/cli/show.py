"""`nas show`: one candidate."""

from nas.cli.arguments import Study, Trial


def command(study: Study = None, trial: Trial = None) -> None:
    """One candidate: its outcome, its layers, its learning curve."""
    from rich.markup import escape

    from nas.cli.text import console, kilobytes, number, percent, table
    from nas.records import choice
    from nas.records.tables import LAYER_HEADINGS, layer_cells
    from nas.results.view import open_study

    found = open_study(study)
    record = choice.best(found.records) if trial is None else choice.by_number(found.records, trial)
    out = console()
    why = f": {record.reason}" if record.reason else ""
    out.print(f"Trial {record.number} of {found.folder.path}, {record.state}{why}", markup=False)
    if not record.architecture_json:
        out.print("It has no layers. Sampled parameters:")
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
    layers = [[escape(cell) for cell in row] for row in layer_cells(architecture)]
    out.print(table(LAYER_HEADINGS, layers, words=("layer",)))
    if record.curve:
        measured = ("train loss", "train acc.", "held-out loss", "held-out acc.")
        epochs = [
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
        out.print(table(("epoch", *measured, "seconds"), epochs))
