"""Machines do not outlive their test."""

from collections.abc import Iterator

import pytest
from machines import Machine


@pytest.fixture(autouse=True)
def no_machine_outlives_its_test() -> Iterator[None]:
    yield
    for machine in Machine.all:
        machine.kill()
    Machine.all.clear()
