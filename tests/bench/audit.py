"""The devcluster's audit log: every write of the operator, as the API server saw it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROGRESS_FIELDS = {"percent", "epoch", "epochs", "etaSeconds", "loss"}


@dataclass(frozen=True)
class Write:
    """One request that changed something, or tried to."""

    verb: str
    resource: str
    """With its subresource, such as transfermodels/status."""
    namespace: str
    code: int
    progress: bool
    """Whether it told progress and nothing else."""

    def __str__(self) -> str:
        """Return it for people."""
        return f"{self.verb} {self.resource} {self.code}{' (progress)' if self.progress else ''}"


@dataclass(frozen=True)
class AuditLog:
    """One JSON object per line."""

    path: Path

    def position(self) -> int:
        """Return where the log ends now."""
        return self.path.stat().st_size

    def since(self, position: int) -> Iterator[Write]:
        """Yield the writes after a position.

        Raises:
            RuntimeError: the log was rotated meanwhile.
        """
        if self.path.stat().st_size < position:
            raise RuntimeError(f"{self.path} was rotated while it was read: measure again")
        with self.path.open("rb") as log:
            log.seek(position)
            for line in log:
                yield read(json.loads(line))


def read(entry: dict[str, Any]) -> Write:
    """Return one entry as a write."""
    reference = entry.get("objectRef") or {}
    resource = "/".join(part for part in (reference.get("resource"), reference.get("subresource")) if part)
    status = (entry.get("requestObject") or {}).get("status") or {}
    training = set(status.get("training") or {})
    return Write(
        verb=entry["verb"],
        resource=resource,
        namespace=reference.get("namespace", ""),
        code=(entry.get("responseStatus") or {}).get("code", 0),
        progress=set(status) == {"training"} and bool(training) and training <= PROGRESS_FIELDS,
    )
