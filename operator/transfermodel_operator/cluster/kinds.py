"""The kinds that the operator reads or writes, and their paths in the API."""

from dataclasses import dataclass
from typing import Final

from transfermodel_operator.api import GROUP, PLURAL, VERSION
from transfermodel_operator.api import KIND as TRANSFER_MODEL_KIND


@dataclass(frozen=True)
class Kind:
    """One kind of object."""

    group: str
    version: str
    plural: str
    kind: str

    @property
    def api_version(self) -> str:
        """Such as v1 or batch/v1."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None = None, name: str | None = None, subresource: str | None = None) -> str:
        """Return the path of one object, of a namespace's list, or of the whole cluster's list."""
        parts = [f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"]
        if namespace is not None:
            parts.append(f"namespaces/{namespace}")
        parts.append(self.plural)
        parts.extend(part for part in (name, subresource) if part is not None)
        return "/".join(parts)

    def __str__(self) -> str:
        return f"{self.plural}.{self.group}" if self.group else self.plural


TRANSFER_MODELS: Final = Kind(GROUP, VERSION, PLURAL, TRANSFER_MODEL_KIND)
JOBS: Final = Kind("batch", "v1", "jobs", "Job")
PODS: Final = Kind("", "v1", "pods", "Pod")
SERVICES: Final = Kind("", "v1", "services", "Service")
EVENTS: Final = Kind("", "v1", "events", "Event")
CONTROLLER_REVISIONS: Final = Kind("apps", "v1", "controllerrevisions", "ControllerRevision")
INFERENCE_SERVICES: Final = Kind("serving.kserve.io", "v1beta1", "inferenceservices", "InferenceService")
REVISIONS: Final = Kind("serving.knative.dev", "v1", "revisions", "Revision")
LEASES: Final = Kind("coordination.k8s.io", "v1", "leases", "Lease")

_BY_NAME: Final = {
    (kind.api_version, kind.kind): kind
    for kind in (TRANSFER_MODELS, JOBS, PODS, CONTROLLER_REVISIONS, INFERENCE_SERVICES, REVISIONS)
}


def kind_of(api_version: str, kind: str) -> Kind:
    """Return the kind of a manifest.

    Raises:
        KeyError: the operator has no business with that kind.
    """
    return _BY_NAME[api_version, kind]
