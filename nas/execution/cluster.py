"""The workers of a search on a Ray cluster, each of them what `nas worker` starts."""

import logging
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nas.data.files import cache_dir
from nas.errors import ConfigError, NasError, StudyError
from nas.execution.processes import WORKERS_PER_GPU
from nas.execution.supervision import Supervision
from nas.study import attributes
from nas.study.folder import Folder

CONNECT_SECONDS = 10
TICK = 0.5  # seconds between two calls of `Observer.tick`
LEAVE_SECONDS = 20  # that a worker has to give back what it trains


class Cluster:
    """Workers wherever Ray has room for them.

    There are as many tasks as candidates are wanted, or as `--workers` allows: those that find no
    room wait, and tell an autoscaler that there is work. A task is one worker with a core of its
    own or a third of a GPU, and works until the study has its trials; one whose process or node
    dies is started again by Ray, and its candidate is given back as on any machine.
    """

    def __init__(self, ray: Any, data_dir: Path | None, supervision: Supervision) -> None:
        self._ray = ray
        self._data_dir = data_dir
        self._supervision = supervision
        self._tasks: list[Any] = []

    def run(self) -> str:
        """Work until all workers are done; returns the reason of the last one."""
        wanted = self._supervision.begin()
        if not wanted:
            return "complete"
        folder, config = self._supervision.folder, self._supervision.config
        device, resources = self._share()
        work = self._ray.remote(max_retries=-1, **resources)(_work)
        place = folder.path.resolve()
        if folder.url is not None:  # another machine has a folder of its own
            identity = attributes.identify(self._supervision.patient)
            place = cache_dir() / "ray" / identity / folder.name
        flags: dict[str, Any] = {"device": device, "workers": 1}
        if config.space.endswith(".py"):
            flags["space"] = str(folder.space.resolve())
        arguments = (str(place), flags, self._data_dir, folder.url)
        count = min(wanted, config.workers or wanted)
        self._tasks = [work.remote(*arguments) for _ in range(count)]
        reason = "complete"
        while self._tasks:
            ended, self._tasks = self._ray.wait(self._tasks, timeout=TICK)
            for task in ended:
                reason = self._result(task)
            self._supervision.look()
            self._supervision.observer.tick(self._supervision.progress)
        return reason

    def end(self) -> None:
        """End all workers that still run; each gives back what it was training."""
        for task in self._tasks:
            self._ray.cancel(task, force=False)  # a KeyboardInterrupt over there
        left = list(self._tasks)
        deadline = time.monotonic() + LEAVE_SECONDS
        while left and time.monotonic() < deadline:
            _, left = self._ray.wait(left, timeout=TICK)
        for task in left:
            self._ray.cancel(task, force=True)
        self._tasks = []
        self._supervision.look(now=True)
        self._ray.shutdown()

    def _share(self) -> tuple[str, Mapping[str, float]]:
        """What a worker trains on, and what of a node it takes."""
        has_gpus = bool(self._ray.cluster_resources().get("GPU"))
        wanted = self._supervision.config.device.partition(":")[0]
        if wanted == "cuda" and not has_gpus:
            self._supervision.observer.warn(
                "--device cuda: the cluster has no GPU; the workers wait for a node with one"
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


def connected(address: str, folder: Folder) -> Any:
    """Ray, connected to the cluster at `address`.

    Raises `ConfigError` if there is none, or if its machines cannot share the study.
    """
    try:
        import ray
    except ImportError:
        raise ConfigError("--ray: ray is not installed: pip install ray") from None
    try:
        _check_there(address)
        ray.init(address, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, ValueError, RuntimeError) as error:
        raise ConfigError(
            f"--ray {address}: there is no cluster ({error}): `ray start --head` makes one, "
            "and `--ray local` one on this machine alone"
        ) from None
    nodes = sum(node["Alive"] for node in ray.nodes())
    if nodes > 1 and folder.url is None:
        ray.shutdown()
        raise ConfigError(
            f"--ray {address}: the cluster has {nodes} machines, which share no study.db: "
            "give --storage, a database that all of them reach"
        )
    return ray


def _check_there(address: str) -> None:
    """Raise an `OSError` if nobody listens at `address`: Ray itself tries for many minutes."""
    if address in ("auto", "local"):
        return
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        raise OSError("an address is auto, local, HOST:PORT or ray://HOST:PORT")
    socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS).close()


def _work(place: str, flags: Mapping[str, Any], data_dir: Path | None, url: str | None) -> str:
    """The body of a task: one worker."""
    from nas.execution.join import join

    return join(place, flags, _Quiet(), data_dir, url).reason


class _Quiet:
    """Follows a worker without a word: whoever searches sees the study itself."""

    def begin(self, *_: object) -> None: ...
    def event(self, *_: object) -> None: ...
    def tick(self, *_: object) -> None: ...

    def warn(self, text: str) -> None:
        print(text, flush=True)  # into Ray's log of the task
