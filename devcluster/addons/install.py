"""Installs every add-on side by side: each waits for its programs, imports its images, applies its objects."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from devcluster import golang, paths, versions
from devcluster.addons import coredns, knative, kourier, kserve, object_storage
from devcluster.addons.client import Client
from devcluster.addons.manifests import Manifest
from devcluster.certificates import Authority
from devcluster.errors import DevclusterError
from devcluster.images import addon_images
from devcluster.report import step

# Long, for a loaded machine: what is wrong for good is said at once by the API server's refusal.
APPLY_SECONDS = 180.0
READY_SECONDS = 240.0

# Objects that others need before they are even looked at; the rest may come in any order.
FIRST_KINDS = frozenset({"CustomResourceDefinition", "Namespace"})


def install(kubeconfig: Path = paths.KUBECONFIG) -> None:
    """Install or repair all add-ons and wait until they are ready. Objects as they should be are left alone.

    Raises:
        DevclusterError: an add-on could not be built or did not become ready; the others went on meanwhile.
    """
    cluster = Client(kubeconfig)
    knative_applied = threading.Event()
    parts: dict[str, Callable[[], None]] = {
        "S3 address in the cluster": lambda: _object_storage(cluster),
        "CoreDNS": lambda: _coredns(cluster),
        "Knative Serving": lambda: _knative(cluster, knative_applied),
        "Kourier": lambda: _kourier(cluster, knative_applied),
        "KServe": lambda: _kserve(cluster),
    }
    with ThreadPoolExecutor(len(parts), thread_name_prefix="addon") as pool:
        running = {name: pool.submit(_one, name, part) for name, part in parts.items()}
    failed = {name: error for name, future in running.items() if (error := future.exception())}
    for error in failed.values():
        if not isinstance(error, DevclusterError):
            raise error
    if failed:
        raise DevclusterError("\n".join(f"{name}: {error}" for name, error in failed.items()))


def _one(name: str, part: Callable[[], None]) -> None:
    with step(name):
        part()


def apply(cluster: Client, manifests: list[Manifest]) -> None:
    """Apply objects, kinds and namespaces first."""
    first = [manifest for manifest in manifests if manifest["kind"] in FIRST_KINDS]
    cluster.apply_all(first, timeout_seconds=APPLY_SECONDS)
    definitions = [manifest for manifest in first if manifest["kind"] == "CustomResourceDefinition"]
    cluster.wait_for(definitions, timeout_seconds=READY_SECONDS)
    cluster.apply_all(
        [manifest for manifest in manifests if manifest["kind"] not in FIRST_KINDS], timeout_seconds=APPLY_SECONDS
    )


def wait(cluster: Client, manifests: list[Manifest]) -> None:
    """Wait until the workloads among the objects have rolled out."""
    deployments = [manifest for manifest in manifests if manifest["kind"] == "Deployment"]
    cluster.wait_for(deployments, timeout_seconds=READY_SECONDS)


def _object_storage(cluster: Client) -> None:
    apply(cluster, object_storage.manifests(address=versions.NODE_ADDRESS, port=versions.S3_PORT))


def _coredns(cluster: Client) -> None:
    addon_images.prepare("coredns")
    manifests = coredns.manifests(cluster_ip=versions.DNS_ADDRESS)
    apply(cluster, manifests)
    wait(cluster, manifests)


def _knative(cluster: Client, applied: threading.Event) -> None:
    try:
        addon_images.prepare("knative")
        manifests = knative.manifests(
            golang.module_dir("knative", "knative.dev/serving"),
            golang.module_dir("knative", "knative.dev/networking"),
            golang.module_dir("knative", "knative.dev/caching"),
            domain=versions.INGRESS_DOMAIN,
            release=versions.KNATIVE_RELEASE,
            window=versions.STABLE_WINDOW,
            grace_period=versions.SCALE_TO_ZERO_GRACE_PERIOD,
        )
        apply(cluster, manifests)
    finally:
        applied.set()
    wait(cluster, manifests)


def _kourier(cluster: Client, knative_applied: threading.Event) -> None:
    addon_images.prepare("kourier")
    manifests = kourier.manifests(
        golang.module_dir("knative", "knative.dev/net-kourier"),
        host_port=versions.INGRESS_PORT,
        release=versions.KNATIVE_RELEASE,
    )
    # Its controller needs Knative's CRDs and settings, and starts again ever more slowly while they are missing.
    knative_applied.wait()
    apply(cluster, manifests)
    wait(cluster, manifests)


def _kserve(cluster: Client) -> None:
    authority = Authority(paths.CERTIFICATES / "kserve", "authority")
    pair = authority.issue("webhook", kserve.WEBHOOK_HOST, names=[kserve.WEBHOOK_HOST])
    certificate = kserve.ServingCertificate(
        authority=authority.pair.certificate.read_text(),
        certificate=pair.certificate.read_text(),
        key=pair.key.read_text(),
    )
    addon_images.prepare("kserve")
    manifests = kserve.manifests(
        golang.module_dir("kserve", "github.com/kserve/kserve"),
        certificate,
        version=versions.KSERVE,
        domain=versions.INGRESS_DOMAIN,
    )
    apply(cluster, manifests)
    wait(cluster, manifests)
