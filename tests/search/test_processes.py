import os
import subprocess
import sys

import pytest

from nas.search.processes import core_of

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
        "import os, torch; from nas.search.processes import settle\n"
        f"settle({core}); print(torch.get_num_threads(), os.sched_getaffinity(0))\n"
        "settle(None); print(os.sched_getaffinity(0))\n"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.splitlines() == [f"1 {{{core}}}", f"{{{core}}}"]
