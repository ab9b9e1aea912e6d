"""Processes as /proc shows them, each list with the oldest first."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

PROC = Path("/proc")


def session(process: subprocess.Popen[str]) -> list[int]:
    """`process`, which leads a session, and all that it has started."""
    return _those(lambda entry: os.getsid(int(entry.name)) == process.pid)


def started_with(variable: str, value: str, word: str) -> list[int]:
    """Those with `word` in their command line, in whose environment `variable` was `value`."""
    pair = f"{variable}={value}".encode()
    return _those(
        lambda entry: (
            word.encode() in (entry / "cmdline").read_bytes()
            and pair in (entry / "environ").read_bytes().split(b"\0")
        )
    )


def parent(pid: int) -> int:
    """The process that has started it; 0 if it has ended."""
    try:
        return int(_stat(PROC / str(pid))[1])
    except OSError:
        return 0


def _those(wanted: Callable[[Path], bool]) -> list[int]:
    found = []
    for entry in PROC.iterdir():
        if entry.name.isdecimal():
            try:
                if wanted(entry):
                    found.append((_began(entry), int(entry.name)))
            except OSError:  # it has ended, or is another user's
                continue
    return [pid for _, pid in sorted(found)]


def _began(entry: Path) -> int:
    """In clock ticks since the machine did; numbers of processes begin again."""
    return int(_stat(entry)[19])


def _stat(entry: Path) -> list[str]:
    """What `stat` tells after the process's name."""
    return (entry / "stat").read_text().rpartition(")")[2].split()
