"""What the project works with, and how to get it; a test holds the minimums to those of devcluster/versions.py."""

import re
from typing import Final

Version = tuple[int, ...]

KUBERNETES_MINIMUM: Final[Version] = (1, 32)
KNATIVE_MINIMUM: Final[Version] = (1, 17)
KSERVE_MINIMUM: Final[Version] = (0, 17)
PYTHON: Final[tuple[Version, Version]] = ((3, 11), (3, 14))
"""From, and below."""

KUBERNETES_GUIDE: Final = "https://kubernetes.io/docs/tasks/administer-cluster/cluster-upgrade/"
_KNATIVE: Final = "https://github.com/knative/serving/releases/download/knative-v1.21.0"
INSTALL_KNATIVE: Final = (
    f"kubectl apply -f {_KNATIVE}/serving-crds.yaml",
    f"kubectl apply -f {_KNATIVE}/serving-core.yaml",
)
INSTALL_KOURIER: Final = (
    "kubectl apply -f https://github.com/knative/net-kourier/releases/download/knative-v1.21.0/kourier.yaml",
    "kubectl patch configmap/config-network -n knative-serving --type merge "
    """-p '{"data":{"ingress-class":"kourier.ingress.networking.knative.dev"}}'""",
)
INSTALL_KSERVE: Final = (
    "Install cert-manager: https://cert-manager.io/docs/installation/",
    "kubectl apply --server-side -f https://github.com/kserve/kserve/releases/download/v0.20.0/kserve.yaml",
)
UPGRADE_CHART: Final = "helm upgrade transfermodel charts/transfermodel -n {namespace} --reset-then-reuse-values"

DEFAULT_INGRESS_CLASS: Final = "istio.ingress.networking.knative.dev"
INGRESS_CONTROLLERS: Final = {
    "kourier.ingress.networking.knative.dev": "net-kourier-controller",
    "istio.ingress.networking.knative.dev": "net-istio-controller",
    "contour.ingress.networking.knative.dev": "net-contour-controller",
    "gateway-api.ingress.networking.knative.dev": "net-gateway-api-controller",
}
KNATIVE_WORKLOADS: Final = ("activator", "autoscaler", "controller", "webhook")


def version_of(text: str) -> Version | None:
    """Return the numbers of a version such as v1.34.4-gke.100; None when there are none."""
    found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
    return tuple(int(part) for part in found.groups() if part is not None) if found else None


def shown(version: Version) -> str:
    """Return a version as people write it."""
    return ".".join(str(part) for part in version)


def is_older(found: Version, minimum: Version) -> bool:
    """Compare as far as the minimum goes."""
    return found[: len(minimum)] < minimum
