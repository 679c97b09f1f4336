"""The images of the add-ons: which program of which product each one holds. Names only, no files."""

from devcluster import versions

REGISTRY = "dev.local"  # Knative resolves no digest for this name, so it needs no registry
PREFIX = f"{REGISTRY}/devcluster/"


def reference(name: str, version: str) -> str:
    """The full reference of one of our images."""
    return f"{PREFIX}{name}:{version}"


PAUSE = reference("pause", versions.PAUSE)
COREDNS = reference("coredns", versions.COREDNS)
ENVOY = reference("envoy", versions.ENVOY)
KOURIER = reference("kourier", versions.KOURIER)
KSERVE_CONTROLLER = reference("kserve-controller", versions.KSERVE)
KNATIVE = {
    program: reference(f"knative-{program}", versions.KNATIVE)
    for program in ("activator", "autoscaler", "controller", "queue", "webhook")
}
