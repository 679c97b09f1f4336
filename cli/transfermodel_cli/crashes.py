"""Errors that nobody foresaw: one sentence for people, the traceback in a file for whoever mends it."""

import os
import sys
from pathlib import Path

from transfermodel.errors import TransferModelError

DEBUG_VARIABLE = "TRANSFERMODEL_DEBUG"


def debugging() -> bool:
    """Tell whether whoever runs the program wants tracebacks instead of sentences."""
    return os.environ.get(DEBUG_VARIABLE, "") not in ("", "0")


def explain(error: Exception) -> TransferModelError:
    """Save the traceback; return the sentence that says where."""
    what = " ".join(f"{type(error).__name__}: {error}".split())
    message = f"transfermodel failed in a way that nobody foresaw: {what[:300]}."
    path = save(error)
    where = f"the traceback in {path}" if path else f"the traceback that {DEBUG_VARIABLE}=1 shows"
    return TransferModelError(message, f"This is a bug of ours: please report it, with {where}.")


def save(error: Exception) -> Path | None:
    """Write the traceback below the workspace, else to the folder for temporary files; None: there is no room."""
    import platform
    import tempfile
    import traceback
    from datetime import UTC, datetime

    moment = datetime.now(UTC)
    text = "\n".join(
        [
            f"moment: {moment.isoformat(timespec='seconds')}",
            f"command: {sys.argv}",
            f"python: {sys.version}",
            f"platform: {platform.platform()}",
            "",
            *traceback.format_exception(error),
        ]
    )
    workspace = Path(os.environ.get("TRANSFERMODEL_WORKSPACE") or ".transfermodel")
    for folder in (workspace, Path(tempfile.gettempdir())):
        if not folder.is_dir():
            continue
        path = folder.absolute() / f"crash-{moment:%Y%m%d-%H%M%S}-{os.getpid()}.txt"
        try:
            # Only for the user's eyes: the command line may name things that are nobody else's business.
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                file.write(text)
        except OSError:
            continue
        return path
    return None
