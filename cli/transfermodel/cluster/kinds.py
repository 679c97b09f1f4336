"""The kinds that are read, and their paths in the API."""

from dataclasses import dataclass
from typing import Any, Final

from transfermodel_operator.api import GROUP, PLURAL, VERSION

Manifest = dict[str, Any]
"""A Kubernetes object as JSON."""


@dataclass(frozen=True)
class Kind:
    """One kind of object."""

    api: str
    """Such as api/v1 or apis/batch/v1."""
    plural: str

    def path(self, namespace: str | None = None, name: str | None = None, subresource: str | None = None) -> str:
        """Return the path of one object, of a namespace's list, or of the whole cluster's list."""
        parts = [f"/{self.api}"]
        if namespace is not None:
            parts.append(f"namespaces/{namespace}")
        parts.append(self.plural)
        parts.extend(part for part in (name, subresource) if part is not None)
        return "/".join(parts)


TRANSFER_MODELS: Final = Kind(f"apis/{GROUP}/{VERSION}", PLURAL)
JOBS: Final = Kind("apis/batch/v1", "jobs")
PODS: Final = Kind("api/v1", "pods")
SERVICES: Final = Kind("api/v1", "services")
SECRETS: Final = Kind("api/v1", "secrets")
EVENTS: Final = Kind("api/v1", "events")
NODES: Final = Kind("api/v1", "nodes")
NAMESPACES: Final = Kind("api/v1", "namespaces")
CONFIG_MAPS: Final = Kind("api/v1", "configmaps")
ENDPOINT_SLICES: Final = Kind("apis/discovery.k8s.io/v1", "endpointslices")
QUOTAS: Final = Kind("api/v1", "resourcequotas")
LIMIT_RANGES: Final = Kind("api/v1", "limitranges")
DEPLOYMENTS: Final = Kind("apis/apps/v1", "deployments")
CONTROLLER_REVISIONS: Final = Kind("apis/apps/v1", "controllerrevisions")
CRDS: Final = Kind("apis/apiextensions.k8s.io/v1", "customresourcedefinitions")
INFERENCE_SERVICES: Final = Kind("apis/serving.kserve.io/v1beta1", "inferenceservices")
REVISIONS: Final = Kind("apis/serving.knative.dev/v1", "revisions")
