"""`nas export`: a trained candidate as files that run without nas."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from nas.cli.arguments import DataDir, Study, Trial, count, option


class Format(StrEnum):
    python = "python"
    onnx = "onnx"
    onnx_int8 = "onnx-int8"
    torch = "torch"


def command(
    study: Study = None,
    trial: Trial = None,
    best: Annotated[bool, option("The most accurate candidate (default).", "--best")] = False,
    smallest: Annotated[
        bool, option("The smallest candidate with --min-accuracy.", "--smallest")
    ] = False,
    min_accuracy: Annotated[float | None, option("In percent, on the held-out images.")] = None,
    max_params: Annotated[
        int | None, count("The most accurate candidate with at most this many parameters.")
    ] = None,
    format: Annotated[
        Format,
        typer.Option(
            help="python (source), onnx, onnx-int8, or torch (a torch.export program).",
            metavar="NAME",
        ),
    ] = Format.python,
    output: Annotated[
        Path | None,
        option("Folder to create. Default: in export/ in the study's folder.", "--output", "-o"),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Export a network: source, weights and training script; or ONNX; or a torch program.

    Every export first runs in a process without nas, on real images, and must reproduce the trained
    network's outputs; in int8, nearly always its class.
    """
    from nas.cli.text import console
    from nas.errors import ConfigError
    from nas.records import choice
    from nas.results.view import open_study

    if sum((trial is not None, best, smallest, max_params is not None)) > 1:
        raise ConfigError("--trial, --best, --smallest and --max-params: give one of them")
    if smallest != (min_accuracy is not None):
        raise ConfigError("--smallest and --min-accuracy go together: give both")
    found = open_study(study)
    if trial is not None:
        record = choice.trained(choice.by_number(found.records, trial))
    elif min_accuracy is not None:
        record = choice.from_accuracy(found.records, min_accuracy)[0]
    else:
        record = choice.best(found.records, max_params)
    config = found.config.located(data_dir)
    from nas.data.images import load_split
    from nas.export.export import IMAGES, ROUNDED, export
    from nas.results.subjects import subject

    data = load_split(config.data, data_dir)
    rounded = format.value in ROUNDED
    n = len(data.held_out) if rounded else IMAGES
    images = data.normalizer(data.held_out.take(slice(n)).float() / 255)
    place = output or found.folder.path / "export" / f"trial-{record.number}-{format.value}"
    done = export(subject(found, record, config, data), format.value, images, place)
    out = console()
    out.print(f"{done.folder}: {', '.join(done.files)}", soft_wrap=True)
    if rounded:
        own, exact = (
            100 * float((outputs.argmax(1) == data.held_out.labels).float().mean())
            for outputs in (done.proof.outputs, done.proof.expected)
        )
        out.print(
            f"Run without nas: {own:.2f} % of the {n:,} held-out images; the trained network has "
            f"{exact:.2f} %",
            soft_wrap=True,
        )
        return
    counted = f"{record.params:,} parameters, " if format is not Format.onnx else ""
    error = done.proof.error
    how = f"the trained network's to {error:.1g}" if error else "exactly the trained network's"
    out.print(
        f"Proven without nas: {counted}the outputs for {done.proof.images} real images are {how}",
        soft_wrap=True,
    )
