"""`nas datasets`: the built-in data sets."""

from nas.cli.arguments import DataDir


def command(data_dir: DataDir = None) -> None:
    """The built-in data sets, and where they are on this machine."""
    from nas.cli.text import console, number, table
    from nas.data import DATASETS, locate

    rows = []
    for name, dataset in DATASETS.items():
        if dataset.source.embedded:
            place = "embedded"
        else:
            place = str(locate(dataset, data_dir) or "will be downloaded")
        training = f"{number(dataset.train_images)} ({number(dataset.held_out)} held out)"
        rows.append((name, training, number(dataset.test_images), place, dataset.title))
    headings = ("data set", "training images", "test", "where", "what")
    out = console()
    out.print(table(headings, rows, words=("data set", "where", "what")))
    out.print()
    out.print(
        "Your own: --dataset ./mine, a folder with x_train.npy and x_test.npy (images as uint8, "
        "N x height x width or N x height x width x channels) and y_train.npy and y_test.npy "
        "(classes as integers from 0)."
    )
