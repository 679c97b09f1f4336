"""Ports that other programs take while a predictor is starting."""

import socket
from pathlib import Path

import grpc
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


def test_grpc_has_a_port_of_its_own_and_answers_when_it_serves(colours: tuple[LocalVersion, LocalModel]) -> None:
    port = free_port()
    with local.serve(*colours, grpc_port=port) as server, grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        assert server.grpc_address == f"127.0.0.1:{port}"
        ask: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(
            "/inference.GRPCInferenceService/ServerReady"
        )
        assert ask(b"", timeout=10) == b"\x08\x01"


def test_a_port_for_grpc_that_cannot_be_had_is_named(
    colours: tuple[LocalVersion, LocalModel], taken: socket.socket
) -> None:
    port = taken.getsockname()[1]
    with taken, pytest.raises(UsageError, match=f"Port {port} of 127.0.0.1 is in use") as raised:
        local.serve(*colours, grpc_port=port)
    assert "--grpc-port" in raised.value.remedy
    with pytest.raises(UsageError, match="cannot both have port 8089"):
        local.serve(*colours, port=8089, grpc_port=8089)
