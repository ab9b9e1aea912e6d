"""Worker processes: how they are started, how many, and on which device each."""

import multiprocessing
import os
import signal
from multiprocessing.context import BaseContext


def context() -> BaseContext:
    """How workers are started: forked from a server that has imported torch, where that exists.

    The server begins to import at once, beside whatever this process does until it needs workers.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    from multiprocessing import forkserver

    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload(["nas.search.preload"])
    # A Ctrl-C is for this process alone; what is ignored stays ignored in a new process.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        forkserver.ensure_running()
    finally:
        signal.signal(signal.SIGINT, before)
    return made


def default_workers(device: str) -> int:
    """One a CPU core that this process may use, or one a GPU."""
    if device.startswith("cuda"):
        import torch

        return torch.cuda.device_count() if device == "cuda" else 1
    if device == "cpu":
        if hasattr(os, "sched_getaffinity"):
            return len(os.sched_getaffinity(0))
        return os.cpu_count() or 1
    return 1


def device_of(worker: int, device: str) -> str:
    """The device of worker number `worker`: GPUs are dealt out in turn."""
    if device != "cuda":
        return device
    import torch

    return f"cuda:{worker % torch.cuda.device_count()}"
