"""`nas spaces`: the built-in search spaces."""


def command() -> None:
    """The built-in search spaces, and how to use your own."""
    from nas.cli.text import console, table
    from nas.search import space

    out = console()
    rows = [(name, space.load(name).summary) for name in space.built_in()]
    out.print(table([("space", "left"), ("what it holds", "left")], rows))
    out.print(
        "Your own: a .py file with sample(trial, task) -> nas.Architecture, --space ./mine.py"
    )
