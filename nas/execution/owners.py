"""Whose candidates are whose: the process that supervises workers signs what they take."""

import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from filelock import FileLock, Timeout

from nas.study.folder import Folder


@contextmanager
def signed_on(folder: Folder) -> Iterator[str]:
    """While inside, this process owns candidates under the name that it is given.

    It holds a lock in the study's folder, which the system frees however the process ends: so
    others that see the folder know at once that an owner is gone.
    """
    owner = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(2)}"
    folder.owners.mkdir(exist_ok=True)
    path = folder.owners / f"{owner}.lock"
    try:
        with FileLock(path):
            yield owner
    finally:
        path.unlink(missing_ok=True)


def is_gone(folder: Folder, owner: str | None) -> bool:
    """Whether it is certain that `owner` has ended. Of another machine's only its silence tells."""
    path = folder.owners / f"{owner}.lock"
    if owner is None or not path.is_file():
        return folder.url is None  # every owner of a study in a folder has its lock in there
    try:
        with FileLock(path, timeout=0):
            pass
    except Timeout:
        return False
    with suppress(FileNotFoundError):
        path.unlink()
    return True
