"""What a Deployment tells of itself. Pure."""

from transfermodel.cluster.kinds import Manifest
from transfermodel.doctor.supported import Version, version_of


def deployed_version(deployment: Manifest) -> Version | None:
    """Return the version that a Deployment's label or image names."""
    labels = deployment["metadata"].get("labels") or {}
    image = str(deployment["spec"]["template"]["spec"]["containers"][0].get("image", ""))
    tag = image.partition("@")[0].rpartition("/")[2].partition(":")[2]
    return version_of(str(labels.get("app.kubernetes.io/version", ""))) or version_of(tag)


def is_available(deployment: Manifest | None) -> bool:
    """Tell whether a pod of a Deployment is ready."""
    return bool(((deployment or {}).get("status") or {}).get("availableReplicas"))


def look(deployment: Manifest) -> tuple[str, ...]:
    """Return the command that shows why it does not run."""
    metadata_ = deployment["metadata"]
    return (f"kubectl describe deployment,pods -n {metadata_['namespace']}",)
