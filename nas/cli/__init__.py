"""The command line: one file a command. All printing is here."""

import sys


def main() -> None:
    """Run `nas`. A user's mistake is one line on standard error and exit status 2."""
    try:
        from nas.cli.app import run

        sys.exit(run(sys.argv[1:]))
    except KeyboardInterrupt:  # while this was still importing
        sys.exit(130)
