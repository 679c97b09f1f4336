"""Small files that are whole or not there, and locks that end with the process that holds them."""

import contextlib
import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final, TypeVar

from pydantic import BaseModel, ValidationError

from transfermodel.errors import TransferModelError

PATIENCE_SECONDS: Final = 2.0
"""How long to wait for a lock: who only looks holds it for a moment, a process that is ending a little longer."""

Record = TypeVar("Record", bound=BaseModel)


def write_whole(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old one or the new one, and a power cut leaves one of both."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_record(path: Path, record: BaseModel) -> None:
    """Write a record as JSON."""
    write_whole(path, record.model_dump_json(by_alias=True, exclude_none=True, indent=2) + "\n")


def read_record(path: Path, kind: type[Record]) -> Record | None:
    """Return a record; None where there is none.

    Raises:
        TransferModelError: it is damaged.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise damaged(path, str(error)) from error
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise damaged(path, f"{where}: {problem['msg']}" if where else problem["msg"]) from error


def damaged(path: Path, why: str) -> TransferModelError:
    """Return what to say of a record that cannot be read."""
    return TransferModelError(
        f"The record {path} is damaged: {why}.",
        "Move it away and run again: artifacts are kept apart from it, and what is still there is not trained again.",
    )


def try_lock(path: Path, *, patience_seconds: float = PATIENCE_SECONDS) -> IO[bytes] | None:
    """Take a lock, and return the file that holds it until it is closed; None: another process has it.

    The lock belongs to the open file: a child that inherits it holds it on, and the kernel frees it at their end,
    however they end.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("ab")
    deadline = time.monotonic() + patience_seconds
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return file
        except BlockingIOError:
            if time.monotonic() >= deadline:
                file.close()
                return None
            time.sleep(0.05)


def is_locked(path: Path) -> bool:
    """Tell whether a process holds the lock."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


@contextlib.contextmanager
def locked(path: Path, refusal: TransferModelError) -> Iterator[IO[bytes]]:
    """Hold the lock. Raises the refusal when another process has it."""
    file = try_lock(path)
    if file is None:
        raise refusal
    with file:
        yield file
