"""Each missing prerequisite is one sentence that says what to do."""

import os
import socket
import sys
import threading
from collections import namedtuple
from collections.abc import Callable, Iterator
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from devcluster import paths, prerequisites, versions
from devcluster.errors import PrerequisiteError

ROUTES = """\
Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	00000000	010200C0	0003	0	0	0	00000000	0	0	0
eth0	000200C0	00000000	0001	0	0	0	00FFFFFF	0	0	0
*	000012C6	00000000	0201	0	0	0	0000FEFF	0	0	0
"""

LISTENING = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F98 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0
   1: 0100007F:1F98 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0
"""

LISTENING_6 = """\
  sl  local_address                         remote_address                        st tx_queue rx_queue inode
   0: 00000000000000000000000000000000:1F98 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 4713 1 0
   1: 0000000000000000FFFF00000100007F:0016 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 4714 1 0
"""


def test_routes() -> None:
    assert prerequisites.routes(ROUTES) == [
        ("eth0", IPv4Network("0.0.0.0/0")),
        ("eth0", IPv4Network("192.0.2.0/24")),
        ("*", IPv4Network("198.18.0.0/15")),
    ]


def test_listening() -> None:
    assert prerequisites.listening_in(LISTENING) == [("127.0.0.1", 8088, "4711")]


def test_listening_on_all_addresses_of_version_6() -> None:
    assert prerequisites.listening_in(LISTENING_6) == [("::", 8088, "4713"), ("127.0.0.1", 22, "4714")]


def test_memory() -> None:
    assert prerequisites.memory_bytes("MemFree: 1 kB\nMemTotal:       24690688 kB\n") == 24690688 * 1024


def test_not_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(PrerequisiteError, match=r"Linux only: use a Linux machine, or CLUSTER=existing"):
        prerequisites.check_system()


def test_not_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(PrerequisiteError, match=r"^the cluster needs root .*: run it as root, as with sudo$"):
        prerequisites.check_system()


def test_too_little_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda _folder: usage(10**12, 10**12, 5 * 10**8))
    monkeypatch.setattr(paths, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(paths, "PROGRAMS", tmp_path / "cache" / "bin")
    with pytest.raises(PrerequisiteError, match=r"cache is on a disk with 0\.5 GiB free and 16 are needed: make room"):
        prerequisites.check(frozenset())


def test_too_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prerequisites, "MEMORY_BYTES", 1 << 60)
    with pytest.raises(PrerequisiteError, match=r"GiB of memory and the cluster needs 8: use a larger machine"):
        prerequisites.check(frozenset())


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A loopback port on which this very process listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_port_taken(taken_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "INGRESS_PORT", taken_port)
    monkeypatch.setitem(versions.CHOSEN_PORTS, "TRANSFERMODEL_INGRESS_PORT", taken_port)
    with pytest.raises(PrerequisiteError) as error:
        prerequisites.check(frozenset())
    sentence = f"port {taken_port} is taken by "
    assert sentence in str(error.value)
    assert f"(process {os.getpid()})" in str(error.value)
    assert "choose another port with TRANSFERMODEL_INGRESS_PORT" in str(error.value)


def test_a_port_of_our_own_is_not_taken(taken_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "INGRESS_PORT", taken_port)
    # Something is always wrong here, so that the sentence about the port would be among others.
    monkeypatch.setattr(prerequisites, "MEMORY_BYTES", 1 << 60)
    with pytest.raises(PrerequisiteError) as error:
        prerequisites.check(frozenset({os.getpid()}))
    assert f"port {taken_port}" not in str(error.value)


@pytest.fixture
def ownerless_port() -> Iterator[tuple[int, Callable[[], None]]]:
    """A port on which a socket listens that no process shows (it is on its way through another), and what closes it."""
    sender, receiver = socket.socketpair()
    with sender, receiver, socket.create_server(("127.0.0.1", 0)) as server:
        socket.send_fds(sender, [b"socket"], [server.fileno()])
        port = server.getsockname()[1]
        server.close()
        yield port, receiver.close


def test_a_port_that_a_killed_server_still_holds_is_waited_for(
    ownerless_port: tuple[int, Callable[[], None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    port, close = ownerless_port
    monkeypatch.setattr(versions, "INGRESS_PORT", port)
    monkeypatch.setattr(prerequisites, "MEMORY_BYTES", 1 << 60)
    threading.Timer(0.3, close).start()
    with pytest.raises(PrerequisiteError) as error:
        prerequisites.check(frozenset())
    assert f"port {port}" not in str(error.value)


def test_a_port_that_is_not_given_back_is_taken(
    ownerless_port: tuple[int, Callable[[], None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    port, _close = ownerless_port
    monkeypatch.setattr(versions, "INGRESS_PORT", port)
    monkeypatch.setattr(prerequisites, "_CLOSING_SECONDS", 0.2)
    with pytest.raises(PrerequisiteError, match=f"port {port} is taken by another program"):
        prerequisites.check(frozenset())
