"""`nas datasets`: the data sets, and which of them are here."""

from pathlib import Path
from typing import Annotated

import typer


def command(
    data_dir: Annotated[
        Path | None,
        typer.Option(help="Where to look first.", show_default=False),
    ] = None,
) -> None:
    """The data sets, and where those on this machine are."""
    from nas.cli.text import console, number, table
    from nas.data import DATASETS, locate

    rows = []
    for name, dataset in DATASETS.items():
        if dataset.torchvision is None:
            place = "embedded"
        else:
            root = locate(dataset, data_dir)
            place = str(root) if root else "will be downloaded"
        held_out = f"{number(dataset.train_images)} ({number(dataset.held_out)} held out)"
        rows.append((name, held_out, number(dataset.test_images), place, dataset.title))
    columns = [
        ("data set", "left"),
        ("training images", "right"),
        ("test", "right"),
        ("where", "left"),
        ("what", "left"),
    ]
    out = console()
    out.print(table(columns, rows))
    out.print()
    out.print(
        "Or one of your own, --dataset ./mine: a folder with x_train.npy and x_test.npy, images as "
        "uint8, N x height x width or N x height x width x channels, and y_train.npy and "
        "y_test.npy, their classes, whole numbers from 0."
    )
