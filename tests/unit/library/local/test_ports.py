"""Where a server listens."""

import socket
from collections.abc import Iterator

import pytest
from transfermodel.errors import UsageError
from transfermodel.local import serving

pytestmark = pytest.mark.unit


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    yield int(listener.getsockname()[1])
    listener.close()


def test_a_port_in_use_is_named_with_the_remedy(taken: int) -> None:
    with pytest.raises(UsageError, match=rf"Port {taken} of 127\.0\.0\.1 is in use.*--port"):
        serving.checked_port(taken)


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_what_is_no_port_is_refused(port: int) -> None:
    with pytest.raises(UsageError, match="is no port"):
        serving.checked_port(port)


def test_the_next_free_port_is_taken(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "DEFAULT_PORT", taken)
    assert taken < serving.free_port() < taken + serving.PORTS_TRIED
    monkeypatch.setattr(serving, "PORTS_TRIED", 1)
    with pytest.raises(UsageError, match=f"No port from {taken} to {taken} is free"):
        serving.free_port()


def test_a_stranger_on_the_port_is_not_taken_for_the_server(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "ANSWER_SECONDS", 0.05)
    assert serving.served_digest(taken, "digits") is None  # it listens, and says nothing
