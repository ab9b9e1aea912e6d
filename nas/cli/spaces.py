"""`nas spaces`: the built-in search spaces."""


def command() -> None:
    """The built-in search spaces, and how to use your own."""
    from nas import spaces
    from nas.cli.text import console, table

    out = console()
    rows = [(name, spaces.load(name).summary) for name in spaces.built_in()]
    headings = ("space", "what it holds")
    out.print(table(headings, rows, words=headings))
    out.print(
        "Your own: a .py file with sample(trial, task) -> nas.Architecture, --space ./mine.py"
    )
