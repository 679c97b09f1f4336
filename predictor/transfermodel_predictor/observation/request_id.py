"""The id of the request that is being answered: it comes with the request, goes back with the answer, and is logged."""

from contextvars import ContextVar
from typing import Final

REQUEST_ID: Final[ContextVar[str | None]] = ContextVar("request_id", default=None)
