"""`nas proxy`: Optuna's gRPC proxy in front of a database, for hundreds of workers."""

import sys
from typing import Annotated

import typer

from nas.cli.arguments import VARIABLE, whole


def command(
    storage: Annotated[
        str,
        typer.Option(
            help="The database, postgresql:// or mysql://.", envvar=VARIABLE, metavar="URL"
        ),
    ],
    host: Annotated[
        str,
        typer.Option(help="Other than this machine's own, it is open to whoever can reach it."),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Where to listen.", parser=whole, metavar="N")] = 13000,
    threads: Annotated[
        int, typer.Option(help="Requests that are served at once.", parser=whole, metavar="N")
    ] = 10,
) -> None:
    """Stand between a database and its workers: they share this process's few connections.

    Workers then have `--storage grpc://HOST:PORT`. It has no login, and whoever reaches it can
    change studies: that is why it listens on this machine alone. Ctrl-C ends it.
    """
    from nas.cli.text import console
    from nas.execution.proxy import serve

    out = console()

    def ready() -> None:
        out.print(f"Proxy: grpc://{host}:{port}", soft_wrap=True)
        if host not in ("127.0.0.1", "localhost", "::1"):
            out.print(f"It has no login and listens at {host}: others may be able to reach it.")
        out.print("Ctrl-C ends it.")
        sys.stdout.flush()

    try:
        serve(storage, host, port, threads, ready)
    except KeyboardInterrupt:
        out.print()
