"""HTTP as programs should not speak it: bytes on a socket, and what comes back."""

import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx


@dataclass(frozen=True)
class Answer:
    """The first answer on a connection."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def sentence(self) -> str:
        """What it says is wrong."""
        said = json.loads(self.body)["error"]
        assert isinstance(said, str)
        return said


@contextmanager
def connection(client: httpx.Client, timeout: float = 15) -> Iterator[socket.socket]:
    """Connect to the server that a client speaks with."""
    with socket.create_connection(("127.0.0.1", client.base_url.port or 80), timeout=timeout) as opened:
        yield opened


def read_answer(opened: socket.socket) -> Answer | None:
    """Read one answer, or return None where the connection is closed without one."""
    data = b""
    while b"\r\n\r\n" not in data:
        received = received_or_nothing(opened)
        if not received:
            return None
        data += received
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers["content-length"]):
        received = received_or_nothing(opened)
        assert received, "the answer is cut off"
        body += received
    return Answer(int(first.split()[1]), headers, body)


def received_or_nothing(opened: socket.socket) -> bytes:
    """Return what comes; nothing where the other side has closed, however rudely."""
    try:
        return opened.recv(65_536)
    except ConnectionError:
        return b""


def is_closed(opened: socket.socket, within_seconds: float) -> bool:
    """Tell whether the other side closes the connection, and says nothing more before."""
    opened.settimeout(within_seconds)
    try:
        return received_or_nothing(opened) == b""
    except TimeoutError:
        return False


def resident_bytes(pid: int) -> int:
    """Return the memory that a process has right now."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


def peak_bytes(pid: int) -> int:
    """Return the most memory that a process ever had, or had since `forget_peak`."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def forget_peak(pid: int) -> None:
    """Begin anew to look for the most memory that a process has. See proc(5), clear_refs."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def processor_seconds(pid: int) -> float:
    """Return how long a process has used processors, all of its threads together. See proc(5), stat."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def seconds_of(client: httpx.Client, path: str = "/v2/health/live") -> float:
    """Return how long the server takes to say that it lives."""
    begun = time.perf_counter()
    assert client.get(path).status_code == 200
    return time.perf_counter() - begun
