import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from proc import PROC, parent, session

from nas.errors import DeviceError
from nas.execution import processes
from nas.execution.processes import (
    MPS,
    WORKERS_PER_GPU,
    WORKERS_WITH_MPS,
    advice,
    core_of,
    default_workers,
    device_of,
)
from nas.training import Recipe

pinnable = pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity"), reason="this system cannot pin a process to a core"
)


@pinnable
def test_as_many_workers_as_cores_have_one_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {7, 2, 4})
    assert [core_of(worker, 3) for worker in range(3)] == [2, 4, 7]


@pinnable
def test_fewer_or_more_workers_than_cores_are_left_to_the_system(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2})
    assert core_of(0, 2) is None
    assert core_of(3, 4) is None


@pinnable
def test_a_worker_settles_on_its_core_with_one_thread() -> None:
    core = max(os.sched_getaffinity(0))
    code = (
        "import os, torch; from nas.execution.processes import settle\n"
        f"settle({core}); print(torch.get_num_threads(), os.sched_getaffinity(0))\n"
        "settle(None); print(os.sched_getaffinity(0))\n"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.splitlines() == [f"1 {{{core}}}", f"{{{core}}}"]


def test_candidates_are_dealt_out_to_the_gpus_and_several_share_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CUDA_MPS_PIPE_DIRECTORY", str(tmp_path))
    assert default_workers("cuda", 2) == 2 * WORKERS_PER_GPU
    assert [device_of(worker, "cuda", 2) for worker in range(3)] == ["cuda:0", "cuda:1", "cuda:0"]
    assert default_workers("cuda:1", 1) == WORKERS_PER_GPU
    assert device_of(4, "cuda:1", 1) == "cuda:1"
    assert default_workers("mps") == 1
    assert device_of(4, "cpu", 0) == "cpu"


@pinnable
@pytest.mark.parametrize(
    ("cores", "gpus", "workers"),
    [
        (64, 1, WORKERS_WITH_MPS),
        (64, 2, 2 * WORKERS_WITH_MPS),
        (WORKERS_PER_GPU + 1, 1, WORKERS_PER_GPU + 1),
        (1, 2, 2 * WORKERS_PER_GPU),
    ],
)
def test_with_mps_as_many_share_a_gpu_as_there_are_cores_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cores: int, gpus: int, workers: int
) -> None:
    """CUDA finds MPS by the socket `control` in this folder."""
    monkeypatch.setenv("CUDA_MPS_PIPE_DIRECTORY", str(tmp_path))
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)))
    (tmp_path / "control").touch()
    assert default_workers("cuda", gpus) == workers


def test_where_workers_take_turns_on_a_gpu_it_is_said_how_they_need_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CUDA_MPS_PIPE_DIRECTORY", str(tmp_path))
    program = tmp_path / MPS
    monkeypatch.setenv("PATH", str(tmp_path))
    assert advice(3, 1) is None  # there is no such program
    program.touch(mode=0o755)
    assert f"{MPS} -d" in (advice(3, 1) or "")
    assert advice(2, 2) is None  # one each
    assert advice(3, 0) is None
    (tmp_path / "control").touch()
    assert advice(3, 1) is None


def test_a_supervisor_learns_of_its_machine_without_importing_torch() -> None:
    code = (
        "import multiprocessing, sys\n"
        "from nas.errors import DeviceError\n"
        "from nas.execution.processes import context, this_machine\n"
        "from nas.training import Recipe\n"
        "made = context(None)\n"
        "print(this_machine(made, 'cpu', Recipe(precision='float32')))\n"
        "try:\n"
        "    this_machine(made, 'cuda:99', Recipe())\n"
        "except DeviceError as error:\n"
        "    print(error)\n"
        "print('torch' in sys.modules, multiprocessing.active_children())\n"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    machine, error, left = told.stdout.splitlines()
    assert machine.startswith("cpu, float32, ")
    assert error.startswith("--device cuda:99 is not on this machine: ")
    assert left == "False []"


def die(*_: object) -> None:
    os._exit(1)


def test_a_process_that_dies_looking_for_the_device_is_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(processes, "machine", die)
    with pytest.raises(
        DeviceError, match=r"--device cpu: the process that checks it died \(status 1\)"
    ):
        processes.this_machine(processes.context(None), "cpu", Recipe())


@pytest.mark.skipif(not PROC.is_dir(), reason="looks processes up in /proc")
def test_a_supervisor_that_is_killed_leaves_nothing_that_looks_at_the_machine() -> None:
    code = (
        "from nas.execution.processes import context, this_machine\n"
        "from nas.training import Recipe\n"
        "this_machine(context(None), 'cpu', Recipe())\n"
    )
    supervisor = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    while not any(parent(pid) not in (0, supervisor.pid) for pid in session(supervisor)[1:]):
        assert supervisor.poll() is None, "it was never seen at work"
        time.sleep(0.02)
    supervisor.kill()
    supervisor.wait()
    end = time.monotonic() + 30
    while left := session(supervisor):
        assert time.monotonic() < end, left
        time.sleep(0.1)
