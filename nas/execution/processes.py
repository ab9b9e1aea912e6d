"""Worker processes: start method, number, and device of each."""

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

# Small networks leave most of a GPU idle, so several workers share it. Their kernels run in turn
# and few workers fill the gaps, unless NVIDIA's Multi-Process Service (MPS) runs them concurrently.
WORKERS_PER_GPU, WORKERS_WITH_MPS = 3, 12
MPS = "nvidia-cuda-mps-control"


def context(dataset: str | None) -> "Context":
    """The multiprocessing context: a fork server with torch imported, or spawn where unsupported.

    The server starts importing immediately, in parallel to this process. It also imports the module
    of `dataset`, if that is a known name.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    from multiprocessing import forkserver

    made = multiprocessing.get_context("forkserver")
    module = DATASETS[dataset].source.preload if dataset in DATASETS else None
    made.set_forkserver_preload([*([module] if module else []), "nas.execution.preload"])
    # Only this process handles Ctrl-C; the server inherits the ignored signal.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        forkserver.ensure_running()
    finally:
        signal.signal(signal.SIGINT, before)
    return made


def this_machine(context: "Context", device: str, recipe: Recipe) -> Machine:
    """Call `nas.training.machine.machine` in a short-lived process.

    Its imports and GPU memory are released afterwards. Raises the same `DeviceError`.
    """
    process, ours = start(context, _send_machine, (machine, device, recipe), "machine")
    with ours:
        try:
            found: Machine | DeviceError = ours.recv()
        except EOFError:
            process.join()
            raise DeviceError(
                f"--device {device}: the process that checks it died "
                f"({cause_of_death(process)}): free memory if it printed no other cause"
            ) from None
    process.join()
    if isinstance(found, DeviceError):
        raise found
    return found


def _send_machine(
    look: Callable[[str, Recipe], Machine], device: str, recipe: Recipe, connection: Connection
) -> None:
    """Body of the process: send the result of `look`."""
    try:
        found: Machine | DeviceError = look(device, recipe)
    except DeviceError as error:
        found = error
    connection.send(found)


def start(
    context: "Context", target: Callable[..., None], arguments: tuple[object, ...], name: str
) -> tuple[BaseProcess, Connection]:
    """Start a process that runs `target(*arguments, connection)`; returns it and our connection.

    The process ends with this one. Our end of the connection raises `EOFError` when it has ended.
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
    """How a finished process ended: `signal SIGKILL`, `status 1`."""
    code = process.exitcode
    return f"signal {signal.Signals(-code).name}" if code and code < 0 else f"status {code}"


def default_workers(device: str, gpus: int = 0) -> int:
    """Number of workers: one per available CPU core, or `WORKERS_PER_GPU` per GPU.

    With MPS it is `WORKERS_WITH_MPS` per GPU, limited by the number of cores.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    if gpus and has_mps():
        return max(WORKERS_PER_GPU * gpus, min(WORKERS_WITH_MPS * gpus, cores or 1))
    if gpus:
        return WORKERS_PER_GPU * gpus
    return cores or 1 if device == "cpu" else 1


def has_mps() -> bool:
    """Whether NVIDIA's Multi-Process Service runs, in the folder where CUDA looks for it."""
    pipes = Path(os.environ.get("CUDA_MPS_PIPE_DIRECTORY", "/tmp/nvidia-mps"))
    return (pipes / "control").exists()


def advice(workers: int, gpus: int) -> str | None:
    """A hint for faster training with `workers` on `gpus`, or None."""
    if not 0 < gpus < workers or has_mps() or not shutil.which(MPS):
        return None
    return (
        f"workers take turns on a GPU; NVIDIA's MPS runs them concurrently: start it with {MPS} -d "
        "(on an H200, 8 workers with it were three times as fast as 3 without)"
    )


def core_of(worker: int, workers: int) -> int | None:
    """The CPU core for worker number `worker` of `workers`, or None to leave it to the scheduler.

    Workers are pinned only if there is one per core. Fewer pinned workers of two searches would
    share the first cores while others idle.
    """
    if not hasattr(os, "sched_getaffinity"):
        return None
    cores = sorted(os.sched_getaffinity(0))
    return cores[worker] if workers == len(cores) else None


def settle(core: int | None) -> None:
    """Set up this process for CPU training: one thread, pinned to `core` if given."""
    import torch

    torch.set_num_threads(1)
    if core is not None:
        os.sched_setaffinity(0, {core})


def device_of(worker: int, device: str, gpus: int) -> str:
    """The device of worker number `worker`; GPUs are assigned round-robin."""
    return f"cuda:{worker % gpus}" if device == "cuda" else device
