"""The id of the request that is being answered: it comes with the request, goes back with the answer, and is logged."""

import re
import uuid
from contextvars import ContextVar
from typing import Final

HEADER: Final = "x-request-id"
FORM: Final = re.compile(r"[!-~]{1,128}")
"""Printable ASCII without blanks: it stands in a header, and in a line of the log."""
REQUEST_ID: Final[ContextVar[str | None]] = ContextVar("request_id", default=None)
"""Set in the task that answers; threads of a pool do not have it."""


def begin(sent: str | None) -> str:
    """Take the id that a client sent as that of this task's request, or a new one where there is none that will do."""
    identifier = sent if sent is not None and FORM.fullmatch(sent) else uuid.uuid4().hex
    REQUEST_ID.set(identifier)
    return identifier
