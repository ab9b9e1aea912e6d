"""The workers of a search on a Ray cluster. Each runs what `nas worker` runs."""

import logging
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nas.data.files import cache_dir
from nas.errors import ConfigError, NasError, StudyError
from nas.execution.monitor import Monitor
from nas.execution.pool import TICK
from nas.execution.processes import WORKERS_PER_GPU
from nas.study import attributes
from nas.study.folder import Folder

CONNECT_SECONDS = 10
LEAVE_SECONDS = 20  # for a worker to requeue its candidate


class Cluster:
    """Runs workers as Ray tasks.

    There is one task per candidate, at most `--workers`. Pending tasks signal demand to an
    autoscaler. A task is one worker with one CPU core or a third of a GPU, and runs until the study
    is complete. Ray restarts a task whose process or node dies; its candidate is requeued.
    """

    def __init__(self, ray: Any, data_dir: Path | None, monitor: Monitor) -> None:
        self._ray = ray
        self._data_dir = data_dir
        self._monitor = monitor
        self._tasks: list[Any] = []

    def run(self) -> str:
        """Run all workers to completion; returns the last one's reason for ending."""
        wanted = self._monitor.begin()
        if not wanted:
            return "complete"
        folder, config = self._monitor.folder, self._monitor.config
        device, resources = self._resources()
        work = self._ray.remote(max_retries=-1, **resources)(_run_worker)
        place = folder.path.resolve()
        if folder.url is not None:  # each machine has its own folder
            identity = attributes.identify(self._monitor.waiting)
            place = cache_dir() / "ray" / identity / folder.name
        flags: dict[str, Any] = {"device": device, "workers": 1}
        if config.space.endswith(".py"):
            flags["space"] = str(folder.space.resolve())
        arguments = (str(place), flags, self._data_dir, folder.url)
        count = min(wanted, config.workers or wanted)
        self._tasks = [work.remote(*arguments) for _ in range(count)]
        reason = "complete"
        while self._tasks:
            finished, self._tasks = self._ray.wait(self._tasks, timeout=TICK)
            for task in finished:
                reason = self._result(task)
            self._monitor.look()
            self._monitor.observer.tick(self._monitor.progress)
        return reason

    def end(self) -> None:
        """Stop all running workers; each requeues its candidate."""
        for task in self._tasks:
            self._ray.cancel(task, force=False)  # raises KeyboardInterrupt in the task
        remaining = list(self._tasks)
        deadline = time.monotonic() + LEAVE_SECONDS
        while remaining and time.monotonic() < deadline:
            _, remaining = self._ray.wait(remaining, timeout=TICK)
        for task in remaining:
            self._ray.cancel(task, force=True)
        self._tasks = []
        self._monitor.look(now=True)
        self._ray.shutdown()

    def _resources(self) -> tuple[str, Mapping[str, float]]:
        """A worker's device, and the resources of a node that it needs."""
        has_gpus = bool(self._ray.cluster_resources().get("GPU"))
        wanted = self._monitor.config.device.partition(":")[0]
        if wanted == "cuda" and not has_gpus:
            self._monitor.observer.warn(
                "--device cuda: the cluster has no GPU; workers wait for a node with one"
            )
        if wanted == "cuda" or (wanted == "auto" and has_gpus):
            return "cuda:0", {"num_cpus": 1, "num_gpus": 1 / WORKERS_PER_GPU}
        return "cpu", {"num_cpus": 1, "num_gpus": 0}

    def _result(self, task: Any) -> str:
        from ray.exceptions import RayTaskError

        try:
            return str(self._ray.get(task))
        except RayTaskError as error:
            if isinstance(error.cause, NasError):
                raise StudyError(f"a worker on the cluster: {error.cause}") from None
            raise


def connect(address: str, folder: Folder) -> Any:
    """The `ray` module, connected to the cluster at `address`.

    Raises `ConfigError` if there is no cluster, or if its machines cannot share the study.
    """
    try:
        import ray
    except ImportError:
        raise ConfigError("--ray: ray is not installed: pip install ray") from None
    try:
        _check_reachable(address)
        ray.init(address, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, ValueError, RuntimeError) as error:
        raise ConfigError(
            f"--ray {address}: there is no cluster ({error}): start one with `ray start --head`, "
            "or use --ray local for this machine alone"
        ) from None
    nodes = sum(node["Alive"] for node in ray.nodes())
    if nodes > 1 and folder.url is None:
        ray.shutdown()
        raise ConfigError(
            f"--ray {address}: the cluster has {nodes} machines, which cannot share study.db: "
            "give --storage, a database that all of them reach"
        )
    return ray


def _check_reachable(address: str) -> None:
    """Raise `OSError` if nothing listens at `address`; Ray itself retries for minutes."""
    if address in ("auto", "local"):
        return
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        raise OSError("the address is auto, local, HOST:PORT or ray://HOST:PORT")
    socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS).close()


def _run_worker(
    place: str, flags: Mapping[str, Any], data_dir: Path | None, url: str | None
) -> str:
    """The body of a task: one worker."""
    from nas.execution.join import join

    return join(place, flags, _SilentObserver(), data_dir, url).reason


class _SilentObserver:
    """Observer that prints only warnings: the search reads progress from the study."""

    def begin(self, *_: object) -> None: ...
    def event(self, *_: object) -> None: ...
    def tick(self, *_: object) -> None: ...

    def warn(self, text: str) -> None:
        print(text, flush=True)  # goes to Ray's log of the task
