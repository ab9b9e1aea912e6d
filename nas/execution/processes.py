"""Worker processes: how they are started, how many, and on which device each."""

import multiprocessing
import os
import shutil
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING

from nas.data.catalogue import DATASETS
from nas.errors import DeviceError
from nas.execution.signals import end_with_parent
from nas.training import Recipe
from nas.training.machine import Machine, machine

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext, SpawnContext

    Context = ForkServerContext | SpawnContext

# Nets this small leave most of a GPU idle: several candidates share it, each with its own process.
# They take turns, so that few are enough to fill one another's pauses, unless NVIDIA's MPS runs.
WORKERS_PER_GPU, WORKERS_WITH_MPS = 3, 12
MPS = "nvidia-cuda-mps-control"


def context(dataset: str | None) -> "Context":
    """How workers are started: forked from a server that has imported torch, where that exists.

    The server begins to import at once, beside whatever this process does until it needs workers;
    with what `dataset` needs if its name is known by then.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    from multiprocessing import forkserver

    made = multiprocessing.get_context("forkserver")
    module = DATASETS[dataset].module if dataset in DATASETS else None
    made.set_forkserver_preload([*([module] if module else []), "nas.execution.preload"])
    # A Ctrl-C is for this process alone; what is ignored stays ignored in a new process.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        forkserver.ensure_running()
    finally:
        signal.signal(signal.SIGINT, before)
    return made


def this_machine(context: "Context", device: str, recipe: Recipe) -> Machine:
    """What `nas.training.machine.machine` says, in a process that ends with that.

    So what it imports, and what it takes of a GPU, does not stay with this one. Raises
    `DeviceError` as it does.
    """
    process, ours = start(context, _answer, (machine, device, recipe), "machine")
    with ours:
        try:
            found: Machine | DeviceError = ours.recv()
        except EOFError:
            process.join()
            raise DeviceError(
                f"--device {device}: the process that looked for it died "
                f"({cause_of_death(process)}); if it has printed nothing, is memory short?"
            ) from None
    process.join()
    if isinstance(found, DeviceError):
        raise found
    return found


def _answer(
    look: Callable[[str, Recipe], Machine], device: str, recipe: Recipe, connection: Connection
) -> None:
    """The body of a process that only looks at the machine."""
    try:
        found: Machine | DeviceError = look(device, recipe)
    except DeviceError as error:
        found = error
    connection.send(found)


def start(
    context: "Context", target: Callable[..., None], arguments: tuple[object, ...], name: str
) -> tuple[BaseProcess, Connection]:
    """A process that runs `target(*arguments, connection)`, and our end of that connection.

    It ends with this process, and our end reads end-of-file when it is gone.
    """
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(
        target=_run, args=(target, *arguments, theirs), name=name, daemon=True
    )
    process.start()
    theirs.close()
    return process, ours


def _run(target: Callable[..., None], *arguments: object) -> None:
    end_with_parent()
    target(*arguments)


def cause_of_death(process: BaseProcess) -> str:
    """How a process that has ended did so: `signal SIGKILL`, `status 1`."""
    code = process.exitcode
    return f"signal {signal.Signals(-code).name}" if code and code < 0 else f"status {code}"


def default_workers(device: str, gpus: int = 0) -> int:
    """One a CPU core that this process may use; or for each of `gpus` `WORKERS_PER_GPU`, or
    `WORKERS_WITH_MPS` as far as there are cores for that many."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    if gpus and has_mps():
        return max(WORKERS_PER_GPU * gpus, min(WORKERS_WITH_MPS * gpus, cores or 1))
    if gpus:
        return WORKERS_PER_GPU * gpus
    return cores or 1 if device == "cpu" else 1


def has_mps() -> bool:
    """Whether processes can work on a GPU at the same time: NVIDIA's Multi-Process Service runs.

    CUDA looks for it in this folder, whose default is NVIDIA's.
    """
    pipes = Path(os.environ.get("CUDA_MPS_PIPE_DIRECTORY", "/tmp/nvidia-mps"))
    return (pipes / "control").exists()


def advice(workers: int, gpus: int) -> str | None:
    """A line on what would have `workers` on `gpus` be faster; None where there is nothing."""
    if not 0 < gpus < workers or has_mps() or not shutil.which(MPS):
        return None
    return (
        f"workers take turns on a GPU unless NVIDIA's MPS runs: {MPS} -d "
        "(on an H200, 8 workers with it were three times as fast as 3 without)"
    )


def core_of(worker: int, workers: int) -> int | None:
    """The core for worker number `worker` of `workers`, or None if the system shall choose.

    Each has its own core where there are as many as cores. Fewer are left alone: pinned, those of
    two searches would meet on the first cores while the others idle.
    """
    if not hasattr(os, "sched_getaffinity"):
        return None
    cores = sorted(os.sched_getaffinity(0))
    return cores[worker] if workers == len(cores) else None


def settle(core: int | None) -> None:
    """Make this process one of many that train on the CPU: one thread, on `core` alone if given."""
    import torch

    torch.set_num_threads(1)
    if core is not None:
        os.sched_setaffinity(0, {core})


def device_of(worker: int, device: str, gpus: int) -> str:
    """The device of worker number `worker`: where it is `cuda`, `gpus` are dealt out in turn."""
    return f"cuda:{worker % gpus}" if device == "cuda" else device
