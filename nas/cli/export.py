"""`nas export`: a trained candidate as files that need nothing of ours."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from nas.cli.arguments import Study, whole


class Format(StrEnum):
    python = "python"
    onnx = "onnx"
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
        Format, typer.Option(help="Source, ONNX, or a torch.export program.")
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
    give the trained network's outputs.
    """
    from nas.cli.text import console
    from nas.errors import ConfigError
    from nas.export.subject import Subject
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
    config, folder = found.config, found.folder
    architecture = record.architecture
    config = config.located(data_dir)
    from nas.data.images import load_split
    from nas.export.export import IMAGES, export

    data = load_split(config.data, data_dir)
    verified = found.verified.get(record.number)
    assert record.accuracy is not None, "it is trained"
    assert record.seed is not None, "it is trained"
    subject = Subject(
        title=f"Trial {record.number} of study {folder.name}",
        architecture=architecture,
        weights=found.weights(record),
        dataset=config.data,
        mean=data.normalizer.mean,
        std=data.normalizer.std,
        recipe=config.recipe,
        seed=record.seed,
        budget=config.budget,
        accuracy=record.accuracy,
        verified=f"Verified: {verified.sentence()}." if verified else "",
    )
    images = data.normalizer(data.held_out.take(slice(IMAGES)).float() / 255)
    place = output or folder.path / "export" / f"trial-{record.number}-{format.value}"
    done = export(subject, format.value, images, place)
    out = console()
    out.print(f"{done.folder}: {', '.join(done.files)}", soft_wrap=True)
    counted = f"{architecture.params:,} parameters, " if format is not Format.onnx else ""
    error = done.proof.error
    how = f"the trained network's to {error:.1g}" if error else "exactly the trained network's"
    out.print(
        f"Proven without nas: {counted}the outputs for {done.proof.images} real images are {how}",
        soft_wrap=True,
    )
