"""Logs: one line per event, as JSON for collectors or plain for people. What clients send and get is never in them."""

import logging
import sys
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from transfermodel_predictor.observation.request_id import REQUEST_ID

FIELDS: Final = "fields"
"""Under this key of `extra` an event brings what belongs to it beside its sentence."""
TOLD: Final = "_transfermodel_told"
"""Of an error that was logged."""


def configure(log_format: str) -> None:
    """Send lines to stderr, as plain or json: our own loggers' from INFO on, others' from WARNING on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if log_format == "json" else PlainFormatter())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("transfermodel_predictor").setLevel(logging.INFO)
    logging.getLogger("uvicorn.error").addFilter(_told_once)


def fields(**values: Any) -> dict[str, dict[str, Any]]:
    """Return them as the `extra` of a call of a logger: names in camelCase, nothing of a sample or a prediction."""
    return {FIELDS: values}


class JsonFormatter(logging.Formatter):
    """One object a line; timestamp, severity and message are called as in the operator's JSON logs."""

    def format(self, record: logging.LogRecord) -> str:
        """Write it."""
        event: dict[str, Any] = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "severity": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if (identifier := REQUEST_ID.get()) is not None:
            event["requestId"] = identifier
        event |= getattr(record, FIELDS, {})
        if record.exc_info:
            event["exception"] = self.formatException(record.exc_info)
        try:
            return orjson.dumps(event).decode()
        except TypeError:  # surrogates, such as of a file name that is no Unicode
            return orjson.dumps({key: ascii(value) for key, value in event.items()}).decode()


def failure_event(sentence: str, unexpected: Exception | None) -> str:
    """Return the JSON line of a process that ends because of a failure; unexpected: with its traceback."""
    raised = None if unexpected is None else (type(unexpected), unexpected, unexpected.__traceback__)
    return JsonFormatter().format(
        logging.LogRecord("transfermodel_predictor", logging.CRITICAL, "", 0, sentence, None, raised)
    )


class PlainFormatter(logging.Formatter):
    """What people read in a terminal: the time, the sentence, and the traceback where there is one."""

    def __init__(self) -> None:
        """Say how a line looks."""
        super().__init__("%(asctime)s %(message)s", "%H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        """Write the line, with the request's id where there is one."""
        line = super().formatMessage(record)
        identifier = REQUEST_ID.get()
        return line if identifier is None else f"{line} (request {identifier})"


def log_fault(error: Exception) -> None:
    """Log what went wrong with a request through our fault; uvicorn, which gets the error too, says no more of it."""
    logging.getLogger("transfermodel_predictor").error("A request failed.", exc_info=error)
    setattr(error, TOLD, True)


def _told_once(record: logging.LogRecord) -> bool:
    """Drop what was logged already."""
    return not (record.exc_info and getattr(record.exc_info[1], TOLD, False))
