"""What the trainer says of a failure, in words that are true on one machine."""

import contextlib
import errno
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from transfermodel_operator.api import FailureClass, Reason, RunFailure

from transfermodel.errors import DataInvalid, DocumentInvalid, RunFailed, TransferModelError, Unreachable

DATA_REASONS: Final = {
    Reason.DATA_NOT_FOUND,
    Reason.DATA_INVALID,
    Reason.EMPTY_CLASS,
    Reason.TOO_FEW_CLASSES,
    Reason.CLASSES_DIFFER,
    Reason.TOO_MANY_UNREADABLE_FILES,
    Reason.UNSAFE_ARCHIVE,
}
SPEC_REASONS: Final = {Reason.INVALID_SPEC}

KEYS: Final = "The keys are those of AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_ENDPOINT_URL in your environment."
HERE: Final = (
    ("The secret is the one of spec.data.credentialsSecretName.", KEYS),
    ("Check the keys in the Secret, and what they allow.", "Check the keys, and what they allow."),
    ("that it can be reached from the cluster", "that it can be reached from here"),
    ("let the training pod reach that host", "connect this machine to that host"),
    ("raise spec.training.resources.limits.memory, or lower", "close other programs, or lower"),
    (", or give it more resources", ", or use a larger machine"),
    (
        "check the bucket and the prefix, and that the data was uploaded",
        "check the path, and put one folder per class there",
    ),
    ("the run starts again by itself", "run it again"),
)
"""What the trainer says, which has a cluster in mind -> what is true here."""
LAST_BYTES: Final = 2000
NO_SPACE: Final = re.compile(r"No space left on device|os error 28\b|Errno 28\b|Disk quota exceeded")


def error_of(failure: RunFailure, written: dict[str, str], log: Path) -> TransferModelError:
    """Return the error to raise for a failed run.

    Args:
        failure: what the trainer wrote.
        written: URI of the request -> what the file says.
        log: where more can be read.
    """
    message = failure.message
    if NO_SPACE.search(message):
        return no_space(log.parent)
    for theirs, ours in (*written.items(), *HERE):
        message = message.replace(theirs, ours)
    if "; the pod's log shows where" in message:
        return RunFailed(message.replace("; the pod's log shows where", ""), f"The log shows where: {log}.")
    if failure.reason in DATA_REASONS:
        return DataInvalid(message)
    if failure.reason in SPEC_REASONS:
        return DocumentInvalid(message)
    if failure.failure is FailureClass.STORAGE or failure.reason == Reason.DATA_ACCESS_DENIED:
        return Unreachable(message)
    return RunFailed(message)


def no_space(folder: Path) -> RunFailed:
    """Return what to say when the disk is full."""
    return RunFailed(
        f"No space is left on the disk of {folder}.",
        "Free some, or use another folder: --workspace DIR. Run it again: what was finished is kept.",
    )


def last_words(log: Path) -> str:
    """Return the end of a log; nothing where there is none."""
    try:
        return log.read_bytes()[-LAST_BYTES:].decode(errors="replace")
    except OSError:
        return ""


@contextlib.contextmanager
def full_disk_told(folder: Path) -> Iterator[None]:
    """Turn the operating system's error about a full disk into ours."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise no_space(folder) from error
        raise


def silent_end(code: int, log: Path) -> RunFailed:
    """Return the error for a trainer that left no outcome; code: as subprocess has it."""
    if NO_SPACE.search(last_words(log)):
        return no_space(log.parent)  # for the outcome, too
    if code == -9:
        return RunFailed(
            "The trainer was killed; most likely the machine ran out of memory.",
            "Close other programs, or lower fineTuning.batchSize or backbone.input.size, and run it again.",
        )
    how = f"was ended by signal {-code}" if code < 0 else f"ended with status {code}"
    return RunFailed(f"The trainer {how} and left no result.", f"The log shows more: {log}.")
