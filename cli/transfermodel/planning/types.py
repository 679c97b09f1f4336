"""What is known of a run before it begins."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Advice:
    """Something that will not stop the run and that had better be looked at."""

    message: str
    remedy: str = ""

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"message": self.message, "remedy": self.remedy}


@dataclass(frozen=True)
class Download:
    """What a run would fetch over the network."""

    what: str
    bytes: int | None
    """None: not known."""

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"what": self.what, "bytes": self.bytes}


@dataclass(frozen=True)
class InCluster:
    """What a cluster lacks for the run."""

    server: str
    namespace: str
    lacks: tuple[Advice, ...] = ()
    """Without these it cannot run."""
    has: tuple[str, ...] = ()
    """What was looked at and found."""
    advice: tuple[Advice, ...] = ()
    unknown: tuple[str, ...] = ()
    """What could not be looked at, with the reason."""

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "server": self.server,
            "namespace": self.namespace,
            "lacks": [advice.to_wire() for advice in self.lacks],
            "has": list(self.has),
            "advice": [each.to_wire() for each in self.advice],
            "unknown": list(self.unknown),
        }


@dataclass(frozen=True)
class Plan:
    """What one TransferModel would find, cost and lack."""

    name: str
    namespace: str
    obstacles: tuple[Advice, ...]
    """Why it will not run on this machine."""
    advice: tuple[Advice, ...]
    unchanged: str | None
    """The version that is there already: nothing would be trained."""
    survey: dict[str, Any] = field(default_factory=dict)
    """Of the data: transfermodel_trainer.planning.surveyed.Survey as JSON."""
    estimate: dict[str, Any] | None = None
    """transfermodel_trainer.planning.estimate.Estimate as JSON; None: there is none."""
    no_estimate: str = ""
    """Why there is no estimate."""
    downloads: tuple[Download, ...] = ()
    cluster: InCluster | None = None
    """None: no cluster was looked at."""
    no_cluster: tuple[Advice, ...] = ()
    """Why a cluster would not even take the file."""

    @property
    def runs_here(self) -> bool:
        """Tell whether it runs on this machine."""
        return not self.obstacles

    @property
    def runs_in_the_cluster(self) -> bool | None:
        """Tell whether it runs in the cluster; None: no cluster was looked at."""
        if self.no_cluster:
            return False
        return None if self.cluster is None else not self.cluster.lacks

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "namespace": self.namespace,
            "name": self.name,
            "runs": {"local": self.runs_here, "cluster": self.runs_in_the_cluster},
            "obstacles": [each.to_wire() for each in self.obstacles],
            "advice": [each.to_wire() for each in self.advice],
            "unchanged": self.unchanged,
            "data": self.survey,
            "estimate": self.estimate,
            "noEstimate": self.no_estimate or None,
            "downloads": [each.to_wire() for each in self.downloads],
            "cluster": None if self.cluster is None else self.cluster.to_wire(),
            "notForAnyCluster": [each.to_wire() for each in self.no_cluster],
        }
