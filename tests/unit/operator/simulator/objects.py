"""What lies in the cluster, and what time it is there."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from transfermodel_operator.observed import Manifest

NAMESPACE = "demo"


@dataclass
class Objects:
    """The objects of one namespace, by kind and name."""

    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    jobs: dict[str, Manifest] = field(default_factory=dict)
    pods: dict[str, Manifest] = field(default_factory=dict)
    recorded: dict[str, Manifest] = field(default_factory=dict)
    services: dict[str, Manifest] = field(default_factory=dict)
    revisions: dict[str, Manifest] = field(default_factory=dict)
    proved: set[str] = field(default_factory=set)
    """Revisions that ever answered rightly; what the operator may have forgotten."""
    jobs_created: int = 0
    counter: int = 0

    def uid(self) -> str:
        """Return a new uid."""
        self.counter += 1
        return f"uid-{self.counter}"

    def time(self) -> str:
        """Return the time as Kubernetes writes it."""
        return self.now.strftime("%Y-%m-%dT%H:%M:%SZ")
