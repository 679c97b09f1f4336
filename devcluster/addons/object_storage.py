"""The S3 server of this machine, as pods see it: a Service without pods in front of the node's address."""

from devcluster.addons.manifests import Manifest

NAMESPACE = "object-storage"
SERVICE = "s3"


def in_cluster_endpoint(port: int) -> str:
    """Where pods find it."""
    return f"http://{SERVICE}.{NAMESPACE}.svc.cluster.local:{port}"


def manifests(*, address: str, port: int) -> list[Manifest]:
    """Namespace, Service and the endpoint behind it.

    Args:
        address: the node's address on the cluster's bridge.
        port: where the server listens.
    """
    metadata = {"name": SERVICE, "namespace": NAMESPACE}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata,
            "spec": {"ports": [{"name": "http", "port": port, "targetPort": port, "protocol": "TCP"}]},
        },
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": metadata | {"labels": {"kubernetes.io/service-name": SERVICE}},
            "addressType": "IPv4",
            "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
            "ports": [{"name": "http", "port": port, "protocol": "TCP"}],
        },
    ]
