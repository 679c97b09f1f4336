"""The one exception that ends a run with a sentence for its user."""

from transfermodel_operator.api import FailureClass, Reason, RunFailure


class RunError(Exception):
    """A run cannot go on; the message says what is wrong and what to do."""

    failure = FailureClass.USER

    def __init__(self, reason: Reason, message: str) -> None:
        """Take the reason and the sentence."""
        super().__init__(message)
        self.reason = reason
        self.message = message

    def to_failure(self) -> RunFailure:
        """Return what goes into the termination message."""
        return RunFailure(failure=self.failure, reason=self.reason, message=self.message)


class StorageFailure(RunError):
    """Storage did not answer or refused to write: the operator tries again with backoff."""

    failure = FailureClass.STORAGE


class RunBroken(RunError):
    """The run itself went wrong: neither the data nor storage is known to be at fault."""

    failure = FailureClass.RUN


def listed(names: list[str], limit: int = 5) -> str:
    """Return the names for a sentence: the first few, and how many more there are."""
    shown = ", ".join(names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"


def out_of_memory(error: Exception) -> bool:
    """Tell whether memory ran out, of the machine or of the GPU."""
    return isinstance(error, MemoryError) or "out of memory" in str(error) or "can't allocate memory" in str(error)
