"""Fixtures of the end-to-end tests: the running stack, and a namespace per test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.absent import absent
from tests.support.stack import Stack, Workspace


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything below this folder."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def stack() -> Stack:
    """The devcluster with the operator installed; under CI=true its absence is a failure."""
    try:
        return Stack.discover()
    except RuntimeError as error:
        absent(str(error))


@pytest.fixture
def workspace(stack: Stack) -> Iterator[Workspace]:
    """A namespace of this test's own."""
    with stack.workspace() as made:
        yield made


@pytest.fixture(scope="module")
def shared_workspace(stack: Stack) -> Iterator[Workspace]:
    """A namespace for the tests of one module that only look."""
    with stack.workspace() as made:
        yield made
