"""The few calls of the Kubernetes API that installing takes: server-side apply, get, and patient waiting."""

import base64
import ssl
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import yaml

from devcluster.addons.manifests import Manifest, identity
from devcluster.errors import DevclusterError

FIELD_MANAGER = "devcluster"

# kind -> (plural, namespaced); installing meets no other kind.
KINDS = {
    "Certificate": ("certificates", True),
    "ClusterRole": ("clusterroles", False),
    "ClusterRoleBinding": ("clusterrolebindings", False),
    "ConfigMap": ("configmaps", True),
    "CustomResourceDefinition": ("customresourcedefinitions", False),
    "Deployment": ("deployments", True),
    "EndpointSlice": ("endpointslices", True),
    "Image": ("images", True),
    "MutatingWebhookConfiguration": ("mutatingwebhookconfigurations", False),
    "Namespace": ("namespaces", False),
    "Role": ("roles", True),
    "RoleBinding": ("rolebindings", True),
    "Secret": ("secrets", True),
    "Service": ("services", True),
    "ServiceAccount": ("serviceaccounts", True),
    "ValidatingWebhookConfiguration": ("validatingwebhookconfigurations", False),
}
# A second look is worth it for these: a webhook whose pod is still starting, a kind that is not served yet, a
# namespace that is not there yet, an object that somebody wrote at the same moment.
PASSING = frozenset({404, 409, 429, 500, 502, 503, 504})
WORKERS = 8


class ClusterError(DevclusterError):
    """The cluster refused something, or was not ready in time."""


def path_of(manifest: Manifest) -> str:
    """The URL path of an object.

    Raises:
        ClusterError: a kind that is not in `KINDS`.
    """
    if manifest["kind"] not in KINDS:
        raise ClusterError(f"{identity(manifest)}: devcluster/addons/client.py does not list this kind in KINDS")
    plural, namespaced = KINDS[manifest["kind"]]
    version = manifest["apiVersion"]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    namespace = f"/namespaces/{manifest['metadata']['namespace']}" if namespaced else ""
    return f"{root}{namespace}/{plural}/{manifest['metadata']['name']}"


class Client:
    """Talks to the API server of a kubeconfig that holds client certificates, as ours does."""

    def __init__(self, kubeconfig: Path) -> None:
        """Read the kubeconfig's current context."""
        config = yaml.safe_load(kubeconfig.read_text())
        context = _named(config["contexts"], config["current-context"])["context"]
        cluster = _named(config["clusters"], context["cluster"])["cluster"]
        user = _named(config["users"], context["user"])["user"]
        trust = ssl.create_default_context(cadata=_text(cluster, "certificate-authority", kubeconfig.parent))
        with tempfile.TemporaryDirectory() as folder:
            # Python reads a client's key from files only.
            certificate, key = Path(folder, "certificate"), Path(folder, "key")
            key.touch(mode=0o600)
            certificate.write_text(_text(user, "client-certificate", kubeconfig.parent))
            key.write_text(_text(user, "client-key", kubeconfig.parent))
            trust.load_cert_chain(certificate, key)
        self._http = httpx.Client(base_url=cluster["server"], verify=trust, timeout=30, trust_env=False)

    def get(self, path: str) -> dict[str, Any] | None:
        """One object; None when it is not there."""
        response = self._http.get(path)
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        _check(response, path)
        found: dict[str, Any] = response.json()
        return found

    def apply(self, manifest: Manifest) -> None:
        """Apply one object server-side; what others set beside our fields stays."""
        response = self._http.patch(
            path_of(manifest),
            params={"fieldManager": FIELD_MANAGER, "force": "true"},
            headers={"Content-Type": "application/apply-patch+yaml"},
            json=manifest,
        )
        _check(response, identity(manifest))

    def apply_all(self, manifests: Iterable[Manifest], *, timeout_seconds: float) -> None:
        """Apply many objects side by side, again and again those that wait for others.

        Raises:
            ClusterError: some were still refused when the time was up, or one can never be accepted.
        """
        deadline = time.monotonic() + timeout_seconds
        waiting = list(manifests)
        while waiting:
            with ThreadPoolExecutor(WORKERS) as pool:
                problems = list(pool.map(self._try_apply, waiting))
            refused = [(manifest, problem) for manifest, problem in zip(waiting, problems, strict=True) if problem]
            waiting = [manifest for manifest, _ in refused]
            if waiting and time.monotonic() > deadline:
                raise ClusterError("not accepted: " + "; ".join(problem for _, problem in refused[:5]))
            if waiting:
                time.sleep(0.3)

    def _try_apply(self, manifest: Manifest) -> str:
        try:
            self.apply(manifest)
        except httpx.TransportError as error:
            return f"{identity(manifest)}: {error}"
        except RefusedError as refused:
            if refused.status not in PASSING:
                raise
            return str(refused)
        return ""

    def wait_for(self, wanted: Iterable[Manifest], *, timeout_seconds: float) -> None:
        """Wait until CRDs are served and Deployments have rolled out.

        Raises:
            ClusterError: names what is not ready, and what its pods say.
        """
        deadline = time.monotonic() + timeout_seconds
        waiting = list(wanted)
        while waiting := [manifest for manifest in waiting if not is_ready(self._live(manifest))]:
            if time.monotonic() > deadline:
                names = ", ".join(identity(manifest) for manifest in waiting)
                raise ClusterError(
                    f"not ready after {timeout_seconds:.0f} s: {names}. {self._troubles(waiting)}".strip()
                )
            time.sleep(0.3)

    def _live(self, manifest: Manifest) -> dict[str, Any]:
        try:
            return self.get(path_of(manifest)) or {}
        except (httpx.TransportError, RefusedError):
            return {}

    def _troubles(self, waiting: list[Manifest]) -> str:
        """What the pods of these objects' namespaces are waiting for."""
        found: list[str] = []
        for namespace in sorted({manifest["metadata"].get("namespace", "") for manifest in waiting} - {""}):
            pods = self.get(f"/api/v1/namespaces/{namespace}/pods") or {"items": []}
            found.extend(trouble for pod in pods["items"] for trouble in pod_troubles(pod))
        return "; ".join(found)


def is_ready(live: dict[str, Any]) -> bool:
    """Whether a CRD is served, or a Deployment runs what its spec says."""
    status = live.get("status") or {}
    # A CRD is without conditions, spelled null, for a moment.
    conditions = {condition["type"]: condition["status"] for condition in status.get("conditions") or []}
    if live.get("kind") == "CustomResourceDefinition":
        return conditions.get("Established") == "True"
    if live.get("kind") == "Deployment":
        wanted = live["spec"].get("replicas", 1)
        return bool(
            status.get("observedGeneration") == live["metadata"]["generation"]
            and status.get("updatedReplicas", 0) == status.get("replicas", 0) == wanted
            and status.get("availableReplicas", 0) >= wanted
        )
    return False


def pod_troubles(pod: dict[str, Any]) -> list[str]:
    """Sentences on what keeps a pod from being ready."""
    name = f"pod {pod['metadata'].get('namespace')}/{pod['metadata']['name']}"
    status = pod.get("status", {})
    troubles = [
        f"{name}: {condition.get('message', condition.get('reason'))}"
        for condition in status.get("conditions", [])
        if condition["type"] == "PodScheduled" and condition["status"] == "False"
    ]
    for container in status.get("containerStatuses", []):
        state = container.get("state", {}).get("waiting") or container.get("lastState", {}).get("terminated")
        if state and not container.get("ready"):
            troubles.append(f"{name}, {container['name']}: {state.get('reason')} {state.get('message', '')}".strip())
    return troubles


class RefusedError(ClusterError):
    """The API server said no."""

    def __init__(self, status: int, message: str) -> None:
        """Keep the HTTP status for the decision whether to ask again."""
        super().__init__(message)
        self.status = status


def _check(response: httpx.Response, what: str) -> None:
    if response.is_error:
        try:
            message = response.json()["message"]
        except (ValueError, KeyError, TypeError):
            message = response.text
        raise RefusedError(response.status_code, f"{what}: {response.status_code} {message}")


def _named(entries: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(entry for entry in entries if entry["name"] == name)


def _text(section: dict[str, Any], key: str, folder: Path) -> str:
    """A PEM text that a kubeconfig holds inline or by path."""
    if inline := section.get(f"{key}-data"):
        return base64.b64decode(inline).decode()
    return Path(folder, section[key]).read_text()
