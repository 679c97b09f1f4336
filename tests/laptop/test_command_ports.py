"""Ports that other programs take while a predictor is starting."""

import socket
from pathlib import Path

import pytest
from transfermodel import local
from transfermodel.errors import UsageError
from transfermodel.local import serving
from transfermodel.workspace import LocalModel, LocalVersion, Workspace

from tests.support.predictor_process import free_port
from tests.unit.cli.conftest import colours_in


@pytest.fixture
def colours(tmp_path: Path) -> tuple[LocalVersion, LocalModel]:
    """A version, and its model."""
    model = colours_in(Workspace(tmp_path))
    version = model.newest()
    assert version is not None
    return version, model


@pytest.fixture
def taken() -> socket.socket:
    """A port that is in use."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    return listener


def test_a_port_that_was_free_a_moment_ago_is_replaced(
    colours: tuple[LocalVersion, LocalModel], taken: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports = [taken.getsockname()[1], free_port()]
    expected = ports[-1]
    # What the first look sees when another program is quicker afterwards.
    monkeypatch.setattr(serving, "free_port", lambda: ports.pop(0))
    with taken, local.serve(*colours) as server:
        assert server.port == expected
        running = colours[1].server()
        assert running is not None
        assert running.port == expected


def test_a_port_that_was_asked_for_is_not_replaced(
    colours: tuple[LocalVersion, LocalModel], taken: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = taken.getsockname()[1]
    really, looks = serving.why_not, []

    def why_not(asked: int) -> OSError | None:
        """Find it free at the first look."""
        looks.append(asked)
        return None if len(looks) == 1 else really(asked)

    monkeypatch.setattr(serving, "why_not", why_not)
    with taken, pytest.raises(UsageError, match=f"Port {port} of 127.0.0.1 is in use"):
        local.serve(*colours, port=port)
    assert colours[1].server() is None
