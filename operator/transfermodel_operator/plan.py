"""What the shell shall do. It does so in the order of the fields, and stops at the first write that fails."""

from dataclasses import dataclass
from typing import Literal

from transfermodel_operator.api.spec import Task
from transfermodel_operator.observed import Manifest


@dataclass(frozen=True)
class Deletion:
    """Delete an object, with a precondition on its uid; not found (or another uid) is success."""

    api_version: str
    kind: str
    name: str
    uid: str
    propagation: Literal["Foreground", "Background"] = "Background"


@dataclass(frozen=True)
class ProofRequest:
    """Ask a Knative Revision for one prediction, and compare the digest in its answer."""

    revision: str
    version: str
    task: Task
    digest: str
    """sha256:…, as parameters.digest of the answer must be."""


@dataclass(frozen=True)
class EventPost:
    """One Event on the TransferModel."""

    type: Literal["Normal", "Warning"]
    reason: str
    message: str


@dataclass(frozen=True)
class Plan:
    """Everything to do now; empty when the cluster is as it should be."""

    deletions: tuple[Deletion, ...] = ()
    creations: tuple[Manifest, ...] = ()
    """By POST; 409 means that somebody was faster: observe again."""
    applies: tuple[Manifest, ...] = ()
    """By server-side apply with force, under our one field manager."""
    status: Manifest | None = None
    """JSON merge patch of .status, to be sent with the resourceVersion that was read; None: leave it alone."""
    events: tuple[EventPost, ...] = ()
    """Post them once the writes above succeeded."""
    proof: ProofRequest | None = None
    """Run it beside, keep its Proof in memory, then reconcile again."""
    again_after_seconds: float | None = None
    """Reconcile again after this long, even if nothing is heard; None: when something changes."""

    @property
    def writes(self) -> int:
        """How many writes to the API server this is; Events are not counted."""
        return len(self.deletions) + len(self.creations) + len(self.applies) + (self.status is not None)
