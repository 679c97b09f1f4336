"""Installs every add-on side by side: each waits for its programs, imports its images, applies its objects."""

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
    parts: dict[str, Callable[[Client], None]] = {
        "S3 address in the cluster": _install_object_storage,
        "CoreDNS": _install_coredns,
        "Knative Serving": _install_knative,
        "Kourier": _install_kourier,
        "KServe": _install_kserve,
    }
    with ThreadPoolExecutor(len(parts), thread_name_prefix="addon") as pool:
        running = {name: pool.submit(_one, name, part, cluster) for name, part in parts.items()}
    failed = {name: error for name, future in running.items() if (error := future.exception())}
    for error in failed.values():
        if not isinstance(error, DevclusterError):
            raise error
    if failed:
        raise DevclusterError("\n".join(f"{name}: {error}" for name, error in failed.items()))


def _one(name: str, part: Callable[[Client], None], cluster: Client) -> None:
    with step(name):
        part(cluster)


def apply(cluster: Client, manifests: list[Manifest]) -> None:
    """Apply objects, kinds and namespaces first, and wait until the workloads among them have rolled out."""
    first = [manifest for manifest in manifests if manifest["kind"] in FIRST_KINDS]
    cluster.apply_all(first, timeout_seconds=APPLY_SECONDS)
    definitions = [manifest for manifest in first if manifest["kind"] == "CustomResourceDefinition"]
    cluster.wait_for(definitions, timeout_seconds=READY_SECONDS)
    cluster.apply_all(
        [manifest for manifest in manifests if manifest["kind"] not in FIRST_KINDS], timeout_seconds=APPLY_SECONDS
    )
    deployments = [manifest for manifest in manifests if manifest["kind"] == "Deployment"]
    cluster.wait_for(deployments, timeout_seconds=READY_SECONDS)


def _install_object_storage(cluster: Client) -> None:
    apply(cluster, object_storage.manifests(address=versions.NODE_ADDRESS, port=versions.S3_PORT))


def _install_coredns(cluster: Client) -> None:
    addon_images.prepare("coredns")
    apply(cluster, coredns.manifests(cluster_ip=versions.DNS_ADDRESS, upstream=[]))


def _install_knative(cluster: Client) -> None:
    manifests = knative.manifests(
        golang.module_dir("knative", "knative.dev/serving"),
        golang.module_dir("knative", "knative.dev/networking"),
        golang.module_dir("knative", "knative.dev/caching"),
        domain=versions.INGRESS_DOMAIN,
        release=versions.KNATIVE_RELEASE,
        window=versions.STABLE_WINDOW,
        grace_period=versions.SCALE_TO_ZERO_GRACE_PERIOD,
    )
    addon_images.prepare("knative")
    apply(cluster, manifests)


def _install_kourier(cluster: Client) -> None:
    addon_images.prepare("gateway", "knative")
    apply(
        cluster,
        kourier.manifests(
            golang.module_dir("knative", "knative.dev/net-kourier"),
            host_port=versions.INGRESS_PORT,
            release=versions.KNATIVE_RELEASE,
        ),
    )


def _install_kserve(cluster: Client) -> None:
    authority = Authority(paths.CERTIFICATES / "kserve", "authority")
    pair = authority.issue("webhook", kserve.WEBHOOK_HOST, names=[kserve.WEBHOOK_HOST])
    certificate = kserve.ServingCertificate(
        authority=authority.pair.certificate.read_text(),
        certificate=pair.certificate.read_text(),
        key=pair.key.read_text(),
    )
    manifests = kserve.manifests(
        golang.module_dir("kserve", "github.com/kserve/kserve"),
        certificate,
        version=versions.KSERVE,
        domain=versions.INGRESS_DOMAIN,
    )
    addon_images.prepare("kserve")
    apply(cluster, manifests)
