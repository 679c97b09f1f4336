"""Log lines on standard error: for people, or JSON for machines."""

import json
import logging
import os
import sys
from typing import Final

FORMAT_VARIABLE: Final = "TRANSFERMODEL_LOG_FORMAT"
LEVEL_VARIABLE: Final = "TRANSFERMODEL_LOG_LEVEL"


class JsonFormatter(logging.Formatter):
    """One JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        entry = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


def configure() -> None:
    """Set up logging as the environment says: plain (default) or json; level info (default) or another."""
    handler = logging.StreamHandler(sys.stderr)
    if os.environ.get(FORMAT_VARIABLE, "plain") == "json":
        handler.setFormatter(JsonFormatter())
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
    level = os.environ.get(LEVEL_VARIABLE, "info").upper()
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # Kopf says "handler succeeded" for every event.
    logging.getLogger("kopf").setLevel(max(logging.WARNING, logging.getLogger().level))
