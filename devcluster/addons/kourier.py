"""Kourier, Knative's ingress: its controller, and Envoy as the gateway on a loopback port of this machine."""

from pathlib import Path

from devcluster.addons.manifests import (
    Manifest,
    change,
    read,
    with_images,
    with_local_images_only,
    with_quick_probes,
    with_release,
    with_small_requests,
    without,
)
from devcluster.images import catalog

GATEWAY = "Deployment/kourier-system/3scale-kourier-gateway"
SHIPPED_ENVOY = "docker.io/envoyproxy/envoy:v1.36-latest"


def manifests(kourier: Path, *, host_port: int, release: str) -> list[Manifest]:
    """Everything of Kourier.

    Args:
        kourier: folder of the module knative.dev/net-kourier.
        host_port: port of 127.0.0.1 on this machine that reaches the gateway.
        release: Knative's release, for the version labels.
    """
    kept = without(read(kourier / "config"), kinds={"HorizontalPodAutoscaler", "PodDisruptionBudget"})
    kept = with_images(
        kept, {"ko://knative.dev/net-kourier/cmd/kourier": catalog.KOURIER, SHIPPED_ENVOY: catalog.ENVOY}
    )
    kept = with_release(kept, release)
    kept = with_local_images_only(
        with_quick_probes(with_small_requests(kept, more_cpu={"3scale-kourier-gateway": "100m"}))
    )

    def on_a_host_port(gateway: Manifest) -> None:
        pod = gateway["spec"]["template"]["spec"]
        (envoy,) = pod["containers"]
        (port,) = (port for port in envoy["ports"] if port["name"] == "http2-external")
        port |= {"hostIP": "127.0.0.1", "hostPort": host_port}
        # The image has no shell for the drain hook, and two gateways cannot hold one host port.
        del envoy["lifecycle"]
        gateway["spec"]["strategy"] = {"type": "Recreate"}
        pod["terminationGracePeriodSeconds"] = 1

    def inside_the_cluster(service: Manifest) -> None:
        service["spec"]["type"] = "ClusterIP"  # nobody here hands out load balancers

    kept = change(kept, GATEWAY, on_a_host_port)
    return change(kept, "Service/kourier-system/kourier", inside_the_cluster)
