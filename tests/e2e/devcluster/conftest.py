"""The cluster as a thing that is broken and repaired. These tests disturb every other: run them apart, and last."""

import os
from collections.abc import Iterator

import pytest

from tests.support.absent import absent
from tests.support.machine import Machine


@pytest.fixture(scope="session")
def machine() -> Iterator[Machine]:
    """This machine with its devcluster up; it is up again at the end."""
    if os.geteuid() != 0:
        absent("the devcluster's tests need root")
    made = Machine()
    made.up()
    yield made
    made.up()
