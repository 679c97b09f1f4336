"""What the API server refuses, as our own exceptions; the one place that reads its errors."""

import asyncio
import json
from typing import Any, ClassVar

import aiohttp


class ClusterError(Exception):
    """The API server did not do what was asked."""

    temporary: ClassVar[bool] = False
    """Whether the same request may succeed later with nothing changed by a person."""

    def __init__(
        self,
        sentence: str,
        *,
        what: str = "",
        status: int = 0,
        reason: str = "",
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(f"{what}: {sentence}" if what else sentence)
        self.sentence = sentence
        """What the API server said."""
        self.status = status
        """HTTP status; 0 when there was no answer."""
        self.reason = reason
        self.retry_after_seconds = retry_after_seconds


class TemporaryError(ClusterError):
    """Worth trying again, with backoff."""

    temporary = True


class UnavailableError(TemporaryError):
    """The API server could not be reached, or failed."""


class ThrottledError(TemporaryError):
    """The API server asks for patience."""


class ConflictError(TemporaryError):
    """The object changed since it was read: observe again."""


class WebhookDownError(TemporaryError):
    """An admission webhook did not answer, such as KServe's while its controller is down."""


class UnauthorizedError(TemporaryError):
    """The credentials were not accepted; a token that just expired is read again."""


class PermanentError(ClusterError):
    """Trying again cannot help until somebody changes something."""


class NotFoundError(PermanentError):
    """There is no such object."""


class KindAbsentError(PermanentError):
    """The API server does not know the kind: its product is not installed."""


class AlreadyExistsError(PermanentError):
    """There is an object of this name."""


class ForbiddenError(PermanentError):
    """The operator may not do this (RBAC), or a quota or an admission rule says no; the sentence tells which."""


class InvalidError(PermanentError):
    """The object is not valid, or an admission webhook refused it."""


def of_transport(error: Exception, what: str) -> ClusterError:
    """Return our error for a request that got no answer."""
    if isinstance(error, asyncio.TimeoutError):
        return UnavailableError("the API server did not answer in time", what=what)
    if isinstance(error, (aiohttp.ClientError, OSError)):
        return UnavailableError(f"the API server cannot be reached: {error}", what=what)
    raise TypeError(f"not a transport error: {error!r}")


def of_response(status: int, body: bytes, what: str, retry_after: str | None = None) -> ClusterError:
    """Return our error for an answer that is not a success.

    Kubernetes answers with a `Status` object; an unknown path (a kind whose CRD is absent) with plain text.
    """
    answer = _status_object(body)
    reason = str(answer.get("reason", ""))
    sentence = str(answer.get("message", "")) or body.decode("utf-8", "replace").strip()[:500] or f"HTTP {status}"
    error = _class(status, reason, sentence, answer)
    return error(sentence, what=what, status=status, reason=reason, retry_after_seconds=_seconds(retry_after))


def _class(status: int, reason: str, sentence: str, answer: dict[str, Any]) -> type[ClusterError]:
    match status:
        case 401:
            return UnauthorizedError
        case 403:
            return ForbiddenError
        case 404:
            named = (answer.get("details") or {}).get("name")
            return NotFoundError if named else KindAbsentError
        case 409:
            return AlreadyExistsError if reason == "AlreadyExists" else ConflictError
        case 429:
            return ThrottledError
        case 410:
            return ConflictError
        case _ if status >= 500:
            return WebhookDownError if "failed calling webhook" in sentence else UnavailableError
        case _:
            return InvalidError


def _status_object(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _seconds(retry_after: str | None) -> float | None:
    try:
        return float(retry_after) if retry_after else None
    except ValueError:
        return None
