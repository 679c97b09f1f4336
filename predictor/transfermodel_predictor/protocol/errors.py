"""Why a request is not answered; each message is a whole sentence, and each has an HTTP status."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import ClassVar


class RequestRefused(Exception):
    """The request is not answered."""

    status: ClassVar[HTTPStatus]
    headers: Mapping[str, str] = {}


class RequestInvalid(RequestRefused, ValueError):
    """The client must change the request."""

    status = HTTPStatus.BAD_REQUEST


class RequestTooLarge(RequestInvalid):
    """The body, a sample or the batch is above a limit."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class RequestTooSlow(RequestInvalid):
    """The body does not come; the connection is of no more use."""

    status = HTTPStatus.REQUEST_TIMEOUT
    headers = {"Connection": "close"}


class MediaTypeUnsupported(RequestInvalid):
    """The body is packed in a way that is not understood."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class UnknownModel(RequestInvalid):
    """There is no such model or version here."""

    status = HTTPStatus.NOT_FOUND


class NotReady(RequestRefused):
    """The model is still loading, or the process is ending: the same request can be answered a moment later."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    headers = {"Retry-After": "1"}


class Overloaded(RequestRefused):
    """More is asked for than can be answered in time."""

    status = HTTPStatus.TOO_MANY_REQUESTS

    def __init__(self, sentence: str, retry_after: int = 1) -> None:
        """Take what is the matter, and after how many seconds to ask again."""
        super().__init__(sentence)
        self.headers = {"Retry-After": str(retry_after)}
