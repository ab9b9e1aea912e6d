"""The command line: one file a command. All printing is here."""

import gc
import sys

# Their bindings report objects that are left at exit as leaks.
NOISY = {"onnx", "triton"}


def main() -> None:
    """Run `nas`. A user's mistake is one line on standard error and exit status 2."""
    # Nearly all that starting up makes is there to stay: looking through it again and again for
    # what is not takes a fifth of the time, and a last look before the end takes most of a second.
    gc.set_threshold(100_000)
    try:
        from nas.cli.app import run

        sys.exit(run(sys.argv[1:]))
    except KeyboardInterrupt:  # while this was still importing
        sys.exit(130)
    finally:
        if not NOISY & sys.modules.keys():
            gc.freeze()
