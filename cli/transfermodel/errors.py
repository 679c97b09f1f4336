"""Everything that can go wrong for a user, as sentences: what is wrong, and what to do."""

from enum import IntEnum


class ExitCode(IntEnum):
    """How `transfermodel` ends; scripts may rely on it."""

    OK = 0
    FAILED = 1
    """The work was begun and failed: a run, a prediction, a server."""
    USAGE = 2
    """The command line is wrong: an option, or a file or folder that is not there."""
    INVALID = 3
    """The file was read, and what it says cannot be run; or the data cannot be learned from."""
    NOT_FOUND = 4
    """There is no TransferModel, version or server of this name."""
    UNREACHABLE = 5
    """No cluster, no server, or no storage answers."""
    NOT_READY = 6
    """What was asked about is there and not well: `status` of a model that is not ready, `doctor` with a finding."""
    INTERRUPTED = 130
    """Ctrl-C."""


class TransferModelError(Exception):
    """Anything that ends a command with a sentence and without a traceback.

    Attributes:
        message: what is wrong.
        remedy: what to do.
        exit_code: how the command ends.
    """

    exit_code = ExitCode.FAILED

    def __init__(self, message: str, remedy: str = "") -> None:
        """Take what is wrong, and what to do."""
        super().__init__(f"{message} {remedy}".strip())
        self.message = message
        self.remedy = remedy


class RunFailed(TransferModelError):
    """A run ended without a model."""


class UsageError(TransferModelError):
    """An argument is wrong, or what it names is not there."""

    exit_code = ExitCode.USAGE


class DocumentInvalid(TransferModelError):
    """A file was read, and what it says cannot be run."""

    exit_code = ExitCode.INVALID


class DataInvalid(TransferModelError):
    """The data was read, and cannot be learned from."""

    exit_code = ExitCode.INVALID


class NotFound(TransferModelError):
    """Nothing of this name is there."""

    exit_code = ExitCode.NOT_FOUND


class Unreachable(TransferModelError):
    """No cluster, server or storage answers."""

    exit_code = ExitCode.UNREACHABLE


class NotReady(TransferModelError):
    """What was asked for is there, and not well."""

    exit_code = ExitCode.NOT_READY
