"""What the load generator is asked for, and what it has seen."""

import ipaddress
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

ANSWERED: Final = 200


@dataclass(frozen=True)
class Plan:
    """Who is asked what, how often, how long."""

    port: int
    path: str
    bodies: tuple[str, ...] = ()
    """Files, each the body of a POST, in turns; without any it is a GET."""
    host: str = "127.0.0.1"
    headers: Mapping[str, str] = field(default_factory=dict)
    """Besides the length; may name another Host, for an ingress."""
    connections: int = 1
    """Each asks again as soon as it is answered."""
    seconds: float = 5.0
    """Of what is counted."""
    warm_up_seconds: float = 1.0
    """Before that; only failures are counted."""
    most: int = 100_000
    """Requests in all, whatever happens."""
    timeout_seconds: float = 60.0
    """For one answer."""
    interval_seconds: float | None = None
    """Ask by the clock, not by the answers: a latency counts from when its request was due."""

    def __post_init__(self) -> None:
        """Check it.

        Raises:
            ValueError: it would ask another machine, or nobody.
        """
        if not ipaddress.ip_address(self.host).is_loopback:
            raise ValueError(f"The load generator asks this machine alone, and {self.host} is another one.")
        if self.connections < 1 or self.most < 1 or self.seconds <= 0:
            raise ValueError("A load needs a connection, a request and some time: give it at least one of each.")

    @property
    def deadline_seconds(self) -> float:
        """When its process must have ended, at the latest."""
        return self.warm_up_seconds + self.seconds + 2 * self.timeout_seconds + 10

    def requests(self) -> list[bytes]:
        """Return the requests as they go over the wire."""
        if not self.bodies:
            return [self._head("GET", None)]
        contents = [Path(body).read_bytes() for body in self.bodies]
        return [self._head("POST", len(content)) + content for content in contents]

    def _head(self, method: str, length: int | None) -> bytes:
        headers = {"Host": f"{self.host}:{self.port}", **self.headers}
        if length is not None:
            headers = {"Content-Type": "application/json", **headers, "Content-Length": str(length)}
        lines = [f"{method} {self.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join([*lines, "", ""]).encode()

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> "Plan":
        """Read the JSON form."""
        return cls(**{**wire, "bodies": tuple(wire["bodies"])})


@dataclass(frozen=True)
class Seen:
    """What came of a plan."""

    sent: int
    """Requests in all, those of the warm-up among them."""
    answered: int
    """With 200, while it was counted."""
    seconds: float
    """That were counted."""
    latencies: Sequence[float]
    """Seconds, of requests sent while it was counted and answered with 200."""
    failures: Mapping[str, int]
    """Everything else that happened to a request, the warm-up's too: "status 503", "timed out", "disconnected", …"""
    said: str
    """The beginning of the first answer that was not 200."""
    processor_share: float
    """Of one processor, taken by the load generator itself."""

    @property
    def rate(self) -> float:
        """Answers per second."""
        return self.answered / self.seconds

    @property
    def failed(self) -> int:
        """Requests that were not answered with 200."""
        return sum(self.failures.values())

    def percentile(self, share: float) -> float:
        """Return the latency in seconds that this share of the answers stayed within, by nearest rank.

        Raises:
            ValueError: nothing was answered.
        """
        if not self.latencies:
            raise ValueError(f"Nothing was answered: {dict(self.failures)} {self.said}")
        found = sorted(self.latencies)
        return found[max(0, math.ceil(share * len(found)) - 1)]

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)
