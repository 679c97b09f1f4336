"""What a phase found out: the content of one condition."""

from dataclasses import dataclass

from transfermodel_operator.api import ConditionStatus, Reason


@dataclass(frozen=True)
class Finding:
    """A condition's status, reason and message."""

    status: ConditionStatus
    reason: Reason
    message: str


def done(reason: Reason, message: str) -> Finding:
    """It is so."""
    return Finding("True", reason, sentence(message))


def waiting(reason: Reason, message: str) -> Finding:
    """It is on its way."""
    return Finding("Unknown", reason, sentence(message))


def failed(reason: Reason, message: str) -> Finding:
    """It is not so, and somebody should know."""
    return Finding("False", reason, sentence(message))


def sentence(text: str) -> str:
    """Return the text with a full stop, as others' messages often have none."""
    text = text.strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."
