"""What a cluster says about itself, read through kubectl so that every way to log in works that works for its owner."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from devcluster import golang
from devcluster.errors import PrerequisiteError

Version = tuple[int, ...]
TIMEOUT_SECONDS = 20

CRDS = (
    "services.serving.knative.dev",
    "revisions.serving.knative.dev",
    "routes.serving.knative.dev",
    "configurations.serving.knative.dev",
    "ingresses.networking.internal.knative.dev",
    "inferenceservices.serving.kserve.io",
)


@dataclass(frozen=True)
class Workload:
    """A Deployment: where it is, whether it runs, and the version that its label or image names."""

    namespace: str
    name: str
    available: bool
    version: Version | None = None


@dataclass(frozen=True)
class Facts:
    """Everything that the checks look at.

    Attributes:
        kubernetes: version of the API server.
        crds: served versions by name, of those in `CRDS` that are there.
        workloads: Deployments by name, those of Knative, its ingress and KServe.
        ingress_class: Knative's setting.
        kserve_ingress: KServe's setting `ingress`.
        environment: variables that describe what the cluster itself does not know.
        forbidden: what the current user may not read.
    """

    kubernetes: Version
    crds: Mapping[str, list[str]] = field(default_factory=dict)
    workloads: Mapping[str, Workload] = field(default_factory=dict)
    ingress_class: str | None = None
    kserve_ingress: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    forbidden: tuple[str, ...] = ()


def version_of(text: str) -> Version | None:
    """The numbers of a version such as `v1.34.4-gke.100` or `1.21.1`; None when there are none."""
    found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
    return tuple(int(part) for part in found.groups() if part is not None) if found else None


def workload_of(deployment: Mapping[str, Any]) -> Workload:
    """Read one Deployment."""
    metadata, status = deployment["metadata"], deployment.get("status", {})
    conditions = {condition["type"]: condition["status"] for condition in status.get("conditions") or []}
    labels = metadata.get("labels", {})
    image = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
    tag = image.partition("@")[0].rpartition("/")[2].partition(":")[2]
    return Workload(
        namespace=metadata["namespace"],
        name=metadata["name"],
        available=conditions.get("Available") == "True",
        version=version_of(labels.get("app.kubernetes.io/version", "")) or version_of(tag),
    )


def observe(environment: Mapping[str, str] = os.environ) -> Facts:
    """Read the cluster of $KUBECONFIG; changes nothing.

    Raises:
        PrerequisiteError: no kubeconfig, no kubectl, or no answer.
    """
    reader = _Reader(environment)
    version = reader.get("/version")
    if version is None:
        raise PrerequisiteError(
            "the cluster of $KUBECONFIG answers, but not to /version: is it a Kubernetes API server?"
        )
    kubernetes = version_of(version["gitVersion"])
    if kubernetes is None:
        raise PrerequisiteError(
            f"the cluster names its version {version['gitVersion']!r}, which is no Kubernetes version"
        )
    crds = {}
    for name in CRDS:
        if crd := reader.get(f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}"):
            crds[name] = [served["name"] for served in crd["spec"]["versions"] if served["served"]]
    network = reader.get("/api/v1/namespaces/knative-serving/configmaps/config-network") or {}
    settings = network.get("data") or {}
    workloads = _workloads(reader)
    return Facts(
        kubernetes=kubernetes,
        crds=crds,
        workloads=workloads,
        ingress_class=settings.get("ingress-class") or settings.get("ingress.class"),
        kserve_ingress=_kserve_ingress(reader, workloads),
        environment=dict(environment),
        forbidden=tuple(reader.forbidden),
    )


def _workloads(reader: "_Reader") -> dict[str, Workload]:
    found: dict[str, Workload] = {}
    paths = [f"/apis/apps/v1/namespaces/{name}/deployments" for name in ("knative-serving", "kourier-system")]
    # KServe may be anywhere; its controller has carried one of these labels in every release.
    selector = "labelSelector=control-plane+in+(kserve-controller-manager,kserve-controller-manager-service)"
    for path in [*paths, f"/apis/apps/v1/deployments?{selector}"]:
        for deployment in (reader.get(path) or {}).get("items", []):
            workload = workload_of(deployment)
            found[workload.name] = workload
    return found


def _kserve_ingress(reader: "_Reader", workloads: Mapping[str, Workload]) -> dict[str, Any]:
    controller = workloads.get("kserve-controller-manager")
    if controller is None:
        return {}
    path = f"/api/v1/namespaces/{controller.namespace}/configmaps/inferenceservice-config"
    data = (reader.get(path) or {}).get("data") or {}
    try:
        found: dict[str, Any] = json.loads(data.get("ingress", "{}"))
    except ValueError:
        return {}
    return found


class _Reader:
    """`kubectl get --raw`: the credentials plug-ins of clouds work as they do for the user."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = dict(environment)
        self.forbidden: list[str] = []
        kubeconfigs = environment.get("KUBECONFIG", "")
        if not kubeconfigs:
            raise PrerequisiteError("CLUSTER=existing uses the cluster of $KUBECONFIG, and that variable is not set")
        if not any(Path(path).exists() for path in kubeconfigs.split(os.pathsep)):
            raise PrerequisiteError(f"KUBECONFIG={kubeconfigs}: there is no such file")
        own = golang.folder("kubernetes") / "kubectl"
        program = shutil.which("kubectl", path=environment.get("PATH")) or (str(own) if own.exists() else None)
        if program is None:
            raise PrerequisiteError("kubectl is not installed: see https://kubernetes.io/docs/tasks/tools/#kubectl")
        self._program = program

    def get(self, path: str) -> dict[str, Any] | None:
        """One answer; None when there is no such thing or the user may not see it."""
        command = [self._program, "get", "--raw", path, f"--request-timeout={TIMEOUT_SECONDS}s"]
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            answer: dict[str, Any] = json.loads(done.stdout)
            return answer
        message = done.stderr.strip()
        if "NotFound" in message or "could not find the requested resource" in message:
            return None
        if "Forbidden" in message:
            self.forbidden.append(path.partition("?")[0])
            return None
        raise PrerequisiteError(
            f"the cluster of $KUBECONFIG does not answer: {message.splitlines()[-1] if message else path}"
        )
