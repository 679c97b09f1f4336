"""Pure changes to Kubernetes manifests: what the products ship, made to fit one small machine."""

import copy
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

Manifest = dict[str, Any]

# The C loader reads KServe's two megabytes of CRDs ten times faster.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

VERSION_LABEL = "app.kubernetes.io/version"
WORKLOADS = frozenset({"Deployment", "DaemonSet", "StatefulSet"})


def read(*paths: Path) -> list[Manifest]:
    """Read files, and the *.yaml files below folders in the order of their names."""
    found: list[Manifest] = []
    for path in paths:
        for file in sorted(path.rglob("*.yaml")) if path.is_dir() else [path]:
            found.extend(document for document in yaml.load_all(file.read_text(), Loader=_Loader) if document)
    return found


def parse(text: str) -> list[Manifest]:
    """Read manifests from text."""
    return [document for document in yaml.safe_load_all(text) if document]


def identity(manifest: Manifest) -> str:
    """`Kind/name` or `Kind/namespace/name`."""
    metadata = manifest["metadata"]
    return "/".join(part for part in (manifest["kind"], metadata.get("namespace"), metadata["name"]) if part)


def without(
    manifests: Iterable[Manifest], *, kinds: Collection[str] = (), names: Collection[str] = ()
) -> list[Manifest]:
    """Leave out whole kinds, and objects by their `Kind/name` or `Kind/namespace/name`.

    Raises:
        KeyError: a name that is not there, as after an upgrade of the product.
    """
    everything = list(manifests)
    if unknown := set(names) - {identity(manifest) for manifest in everything}:
        raise KeyError(f"not among the manifests: {', '.join(sorted(unknown))}")
    return [manifest for manifest in everything if manifest["kind"] not in kinds and identity(manifest) not in names]


def change(manifests: Iterable[Manifest], name: str, edit: Callable[[Manifest], None]) -> list[Manifest]:
    """Edit a copy of the one object named `Kind/name` or `Kind/namespace/name`.

    Raises:
        KeyError: no such object.
    """
    changed = copy.deepcopy(list(manifests))
    for manifest in changed:
        if identity(manifest) == name:
            edit(manifest)
            return changed
    raise KeyError(f"not among the manifests: {name}")


def with_data(manifests: Iterable[Manifest], name: str, data: Mapping[str, str]) -> list[Manifest]:
    """Set keys of a ConfigMap and drop its example.

    Raises:
        KeyError: no such ConfigMap.
    """

    def edit(manifest: Manifest) -> None:
        kept = {key: value for key, value in (manifest.get("data") or {}).items() if key != "_example"}
        manifest["data"] = kept | dict(data)
        # Knative's webhook compares it with the example that was just dropped.
        manifest["metadata"].get("annotations", {}).pop("knative.dev/example-checksum", None)

    return change(manifests, f"ConfigMap/{name}", edit)


def with_images(manifests: Iterable[Manifest], images: Mapping[str, str]) -> list[Manifest]:
    """Replace image references wherever they stand, containers, custom resources and ConfigMaps alike."""

    def replace(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: replace(item) for key, item in value.items()}
        if isinstance(value, list):
            return [replace(item) for item in value]
        return images.get(value, value) if isinstance(value, str) else value

    return [replace(manifest) for manifest in manifests]


def containers(manifest: Manifest) -> list[Manifest]:
    """The containers of a workload; none for other kinds."""
    if manifest["kind"] not in WORKLOADS:
        return []
    found: list[Manifest] = manifest["spec"]["template"]["spec"]["containers"]
    return found


def with_small_requests(
    manifests: Iterable[Manifest], *, cpu: str = "25m", memory: str = "40Mi", more_cpu: Mapping[str, str] | None = None
) -> list[Manifest]:
    """Ask for little and drop CPU limits: on two cores the sum of the shipped requests leaves no room for work.

    Args:
        manifests: any kinds; only workloads are changed.
        cpu: of each container. It is also its weight when the machine is busy, as with a training Job beside it.
        memory: of each container.
        more_cpu: for workloads by name, those that every request passes through.
    """
    changed = copy.deepcopy(list(manifests))
    for manifest in changed:
        for container in containers(manifest):
            resources = container.setdefault("resources", {})
            share = (more_cpu or {}).get(manifest["metadata"]["name"], cpu)
            resources["requests"] = {"cpu": share, "memory": memory}
            resources.get("limits", {}).pop("cpu", None)
    return changed


def with_quick_probes(manifests: Iterable[Manifest]) -> list[Manifest]:
    """Look for readiness at once and every second, so that nothing waits for a probe's next turn."""
    changed = copy.deepcopy(list(manifests))
    for manifest in changed:
        for container in containers(manifest):
            if probe := container.get("readinessProbe"):
                probe |= {"initialDelaySeconds": 0, "periodSeconds": 1}
                probe["failureThreshold"] = max(10, probe.get("failureThreshold", 3))
    return changed


def with_release(manifests: Iterable[Manifest], release: str) -> list[Manifest]:
    """Say which release this is where the source tree says `devel`, as the product's own releases do."""
    changed = copy.deepcopy(list(manifests))
    for manifest in changed:
        template = manifest["spec"]["template"] if manifest["kind"] in WORKLOADS else {}
        for metadata in (manifest["metadata"], template.get("metadata", {})):
            if metadata.get("labels", {}).get(VERSION_LABEL) == "devel":
                metadata["labels"][VERSION_LABEL] = release
    return changed


def without_aggregated_rules(manifests: Iterable[Manifest]) -> list[Manifest]:
    """Leave the rules of aggregating roles to the cluster, which fills them in."""
    return [
        {key: value for key, value in manifest.items() if key != "rules"} if "aggregationRule" in manifest else manifest
        for manifest in manifests
    ]


def with_local_images_only(manifests: Iterable[Manifest]) -> list[Manifest]:
    """Never pull: there is no registry."""
    changed = copy.deepcopy(list(manifests))
    for manifest in changed:
        for container in containers(manifest):
            container["imagePullPolicy"] = "IfNotPresent"
    return changed


def unresolved_images(manifests: Iterable[Manifest], prefix: str) -> list[str]:
    """Images of workloads that do not come from us: they could never be pulled."""
    return sorted(
        {
            container["image"]
            for manifest in manifests
            for container in containers(manifest)
            if not container["image"].startswith(prefix)
        }
    )
