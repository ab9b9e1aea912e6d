"""`nas export`: a trained candidate as files that need nothing of ours."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from nas.cli.arguments import Study, whole


class Format(StrEnum):
    python = "python"
    onnx = "onnx"
    onnx_int8 = "onnx-int8"
    torch = "torch"


def command(
    study: Study = None,
    trial: Annotated[
        int | None,
        typer.Option(help="Its number.", show_default=False, parser=whole, metavar="N"),
    ] = None,
    best: Annotated[
        bool, typer.Option("--best", help="The most accurate. This is the default.")
    ] = False,
    smallest: Annotated[
        bool, typer.Option("--smallest", help="The smallest with --min-accuracy.")
    ] = False,
    min_accuracy: Annotated[
        float | None,
        typer.Option(help="In percent, on the held-out images.", show_default=False),
    ] = None,
    max_params: Annotated[
        int | None,
        typer.Option(
            help="The most accurate with at most this many parameters.",
            show_default=False,
            parser=whole,
            metavar="N",
        ),
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
        typer.Option(
            "--output",
            "-o",
            help="The folder to make. Default: export/ in the study's folder.",
            show_default=False,
        ),
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Where the data is.", show_default=False)
    ] = None,
) -> None:
    """Take a network away: source, weights, training script; or ONNX; or a torch program.

    Before it reports success, the export runs in a process without nas, on real images, and has to
    give the trained network's outputs; in int8, nearly always its class.
    """
    from nas.cli.text import console
    from nas.errors import ConfigError
    from nas.records import choice
    from nas.results.opened import opened

    ways = [trial is not None, best, smallest, max_params is not None]
    if sum(ways) > 1:
        raise ConfigError("--trial, --best, --smallest and --max-params: give one of them")
    if smallest != (min_accuracy is not None):
        raise ConfigError("--smallest and --min-accuracy go together: give both")
    found = opened(study)
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
    count = len(data.held_out) if rounded else IMAGES
    images = data.normalizer(data.held_out.take(slice(count)).float() / 255)
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
            f"Run without nas: {own:.2f} % of the {count:,} held-out images; the trained network "
            f"has {exact:.2f} % of them",
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
