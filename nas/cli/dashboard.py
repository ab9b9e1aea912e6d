"""`nas dashboard`: the Optuna dashboard on a study."""

import sys
from typing import Annotated

import typer

from nas.cli.arguments import Study, whole


def command(
    study: Study = None,
    port: Annotated[
        int,
        typer.Option(help="Port to listen on; 0 for any free one.", parser=whole, metavar="N"),
    ] = 8080,
    host: Annotated[
        str,
        typer.Option(help="Address to listen on; others than the default admit other machines."),
    ] = "127.0.0.1",
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open it in a browser.")
    ] = True,
) -> None:
    """Serve the Optuna dashboard of the study, during a search or after it.

    Its notes and figures are kept up to date while this runs. The dashboard has no login, and
    anyone who reaches it can delete studies, so it listens on this machine only. Ctrl-C ends it.
    """
    import webbrowser

    from nas.cli.text import console
    from nas.results.dashboard import serve
    from nas.study import folder as folders

    out = console()

    def ready(address: str) -> None:
        out.print(f"Dashboard: {address}", soft_wrap=True)
        if host not in ("127.0.0.1", "localhost", "::1"):
            out.print(f"It has no login and listens at {host}: others may reach it.")
        out.print("Ctrl-C ends it.")
        sys.stdout.flush()
        if browser:
            webbrowser.open(address)

    def warn(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    try:
        serve(folders.existing(study), host, port, ready, warn)
    except KeyboardInterrupt:
        out.print()
