"""The node's own servers: kubelet and kube-proxy."""

from typing import Any

from devcluster import cgroups, health, network, paths, versions
from devcluster.certificates import Pair
from devcluster.control_plane import ControlPlane
from devcluster.files import write_json
from devcluster.processes import Process


def kubelet_configuration(server: Pair, authority: str) -> dict[str, Any]:
    """KubeletConfiguration for one machine whose disk may be nearly full and whose processor is small."""
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": versions.NODE_ADDRESS,
        "port": versions.KUBELET_PORT,
        "healthzBindAddress": "127.0.0.1",
        "healthzPort": versions.KUBELET_HEALTH_PORT,
        "tlsCertFile": str(server.certificate),
        "tlsPrivateKeyFile": str(server.key),
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": authority},
        },
        "authorization": {"mode": "Webhook"},
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{cgroups.NAME}",
        # From Kubernetes 1.35 on, a machine with control groups of version 1 must be asked for.
        "failCgroupV1": False,
        "failSwapOn": False,
        "clusterDNS": [versions.DNS_ADDRESS],
        "clusterDomain": versions.CLUSTER_DOMAIN,
        "resolvConf": "/dev/null",  # the cluster's network has no way out
        "containerRuntimeEndpoint": f"unix://{paths.CONTAINERD_SOCKET}",
        "podLogsDir": str(paths.POD_LOGS),
        "volumePluginDir": str(paths.KUBELET_ROOT / "volume-plugins"),
        "maxPods": 250,
        "oomScoreAdj": 0,  # a lower one needs CAP_SYS_RESOURCE
        # Images come from nowhere but this machine, so none may be collected; and a full disk evicts nobody.
        "imageGCHighThresholdPercent": 100,
        "imageMinimumGCAge": "8760h",
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "0%",
            "nodefs.inodesFree": "0%",
            "imagefs.available": "0%",
            "imagefs.inodesFree": "0%",
        },
    }


def kube_proxy_configuration(kubeconfig: str) -> dict[str, Any]:
    """KubeProxyConfiguration: nftables, and none of the machine's connection tracking limits touched."""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": kubeconfig},
        "hostnameOverride": versions.NODE_NAME,
        "mode": "nftables",
        "clusterCIDR": versions.POD_NETWORK,
        "detectLocalMode": "ClusterCIDR",
        "nodePortAddresses": [f"{versions.NODE_ADDRESS}/32"],
        "healthzBindAddress": f"127.0.0.1:{versions.KUBE_PROXY_HEALTH_PORT}",
        "metricsBindAddress": f"127.0.0.1:{versions.KUBE_PROXY_METRICS_PORT}",
        "oomScoreAdj": 0,
        "conntrack": {
            "maxPerCore": 0,
            "tcpEstablishedTimeout": "0s",
            "tcpCloseWaitTimeout": "0s",
            "udpTimeout": "0s",
            "udpStreamTimeout": "0s",
        },
        "nftables": {"syncPeriod": "30s", "minSyncPeriod": "100ms"},
    }


def kubelet(control_plane: ControlPlane) -> Process:
    """The kubelet; writes its configuration."""
    name = versions.NODE_NAME
    authority = control_plane.authority
    client = authority.issue("kubelet-client", f"system:node:{name}", groups=("system:nodes",))
    server = authority.issue("kubelet-server", name, names=(versions.NODE_ADDRESS, name))
    kubeconfig = control_plane.kubeconfig_for("kubelet", client)
    configuration = paths.CONFIGURATION / "kubelet.json"
    write_json(configuration, kubelet_configuration(server, str(authority.pair.certificate)))
    paths.POD_LOGS.mkdir(parents=True, exist_ok=True)
    command = (
        str(control_plane.programs / "kubelet"),
        f"--config={configuration}",
        f"--kubeconfig={kubeconfig}",
        f"--root-dir={paths.KUBELET_ROOT}",
        f"--cert-dir={paths.KUBELET_ROOT / 'pki'}",
        f"--hostname-override={name}",
        f"--node-ip={versions.NODE_ADDRESS}",
    )
    return Process(
        name="kubelet",
        command=command,
        healthy=lambda: health.answers(f"http://127.0.0.1:{versions.KUBELET_HEALTH_PORT}/healthz"),
        files=(configuration, kubeconfig, server.certificate),
    )


def kube_proxy(control_plane: ControlPlane) -> Process:
    """The service proxy; writes its configuration."""
    client = control_plane.authority.issue("kube-proxy-client", "system:kube-proxy")
    kubeconfig = control_plane.kubeconfig_for("kube-proxy", client)
    configuration = paths.CONFIGURATION / "kube-proxy.json"
    write_json(configuration, kube_proxy_configuration(str(kubeconfig)))
    return Process(
        name="kube-proxy",
        command=(str(control_plane.programs / "kube-proxy"), f"--config={configuration}"),
        healthy=lambda: (
            health.answers(f"http://127.0.0.1:{versions.KUBE_PROXY_HEALTH_PORT}/livez") and network.has_service_rules()
        ),
        files=(configuration, kubeconfig),
    )
