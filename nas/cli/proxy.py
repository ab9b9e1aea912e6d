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
        typer.Option(
            help="Address to listen on. Any but this machine's own is open to the network."
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(help="Port to listen on.", parser=whole, metavar="N")
    ] = 13000,
    threads: Annotated[
        int, typer.Option(help="Number of requests served in parallel.", parser=whole, metavar="N")
    ] = 10,
) -> None:
    """Serve a database to many workers, which share this process's few connections.

    Workers use `--storage grpc://HOST:PORT`. The proxy has no login: whoever reaches it can change
    studies, so by default it listens on this machine alone. Ctrl-C ends it.
    """
    from nas.cli.text import console
    from nas.execution.proxy import serve

    out = console()

    def ready() -> None:
        out.print(f"Proxy: grpc://{host}:{port}", soft_wrap=True)
        if host not in ("127.0.0.1", "localhost", "::1"):
            out.print(
                f"The proxy has no login and listens on {host}: others may be able to reach it."
            )
        out.print("Ctrl-C ends it.")
        sys.stdout.flush()

    try:
        serve(storage, host, port, threads, ready)
    except KeyboardInterrupt:
        out.print()
