"""What was found, and how to mend it."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warning", "error"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    part: Literal["machine", "cluster"]
    subject: str
    """What, in a word or two."""
    level: Level
    text: str
    remedies: tuple[str, ...] = ()
    """The exact fix, as commands; empty when all is well."""


def about_cluster(subject: str, level: Level, text: str, *remedies: str) -> Finding:
    """Return one finding about the cluster."""
    return Finding("cluster", subject, level, text, remedies)


def is_well(findings: list[Finding]) -> bool:
    """Tell whether nothing is wrong; a warning is a hint."""
    return all(finding.level != "error" for finding in findings)
