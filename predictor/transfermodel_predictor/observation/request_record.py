"""What is learnt of one request while it is answered: for its line in the log and for its trace. Never its content."""

import time
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True)
class PhaseSpan:
    """A phase that the request went through."""

    name: str
    begun: int
    """Nanoseconds since 1970."""
    seconds: float


@dataclass
class RequestRecord:
    """Is filled by whoever works on the request, in whatever thread."""

    protocol: str
    operation: str = ""
    """What is asked, such as POST /v1/models/digits:predict."""
    begun: int = field(default_factory=time.time_ns)
    """Nanoseconds since 1970."""
    samples: int = 0
    phases: list[PhaseSpan] = field(default_factory=list)
    """In the order of their ends. With samples of others in one batch: the batch's time, not a share of it."""
    reason: str | None = None
    """Why it was refused or failed: one of few words."""

    def seconds(self) -> dict[str, float]:
        """Return how long each phase took, all its parts together."""
        total: dict[str, float] = {}
        for span in self.phases:
            total[span.name] = total.get(span.name, 0.0) + span.seconds
        return total


@dataclass
class Outcome:
    """What a request came to, as its server saw it."""

    code: str = ""
    """HTTP's status, or the name of gRPC's."""
    seconds: float = 0.0
    request_bytes: int = 0
    response_bytes: int = 0


REQUEST: Final[ContextVar[RequestRecord | None]] = ContextVar("request", default=None)
"""The one that this task works on. Threads of a pool do not have it: what they time names the records."""


def current_requests() -> tuple[RequestRecord, ...]:
    """Return the request of this task, for `phase` in another thread; empty outside of any."""
    request = REQUEST.get()
    return () if request is None else (request,)


def note_samples(count: int) -> None:
    """Say how many samples the request of this task has."""
    if (request := REQUEST.get()) is not None:
        request.samples = count


def note_reason(reason: str) -> None:
    """Say why the request of this task is refused or failed; reason: one of few, such as an error's class."""
    if (request := REQUEST.get()) is not None:
        request.reason = reason
