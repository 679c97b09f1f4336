"""etcd and the Kubernetes servers as processes of the host: of the full cluster and of the tests' bare API server."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from devcluster import health, kubeconfig, versions
from devcluster.certificates import Authority, Pair, signing_key
from devcluster.processes import Process

# What the operator writes, and nothing else: the bench counts it. Bodies only of our own kind, which holds no secrets.
_WRITES = {
    "userGroups": ["system:serviceaccounts:transfermodel-system"],
    "verbs": ["create", "update", "patch", "delete", "deletecollection"],
}
_AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        _WRITES | {"level": "Request", "resources": [{"group": "transferlearning.dev"}]},
        _WRITES | {"level": "Metadata"},
        {"level": "None"},
    ],
}


@dataclass(frozen=True)
class ControlPlane:
    """One control plane.

    Attributes:
        state: folder of its certificates, configuration and data.
        programs: folder of the Kubernetes programs.
        etcd_program: etcd's server.
        address: the one address on which the API server listens and by which it is known in the cluster.
        api_server_port: its port.
        etcd_client_port: on 127.0.0.1.
        etcd_peer_port: on 127.0.0.1.
        controller_manager_port: on 127.0.0.1.
        has_nodes: whether pods run; without any, a service account need not exist.
        durable: whether etcd waits for the disk; a test cluster is faster without, and need not outlive a power cut.
    """

    state: Path
    programs: Path
    etcd_program: Path
    address: str
    api_server_port: int
    etcd_client_port: int
    etcd_peer_port: int
    controller_manager_port: int = versions.CONTROLLER_MANAGER_PORT
    has_nodes: bool = True
    durable: bool = True

    @property
    def url(self) -> str:
        """The API server's."""
        return f"https://{self.address}:{self.api_server_port}"

    @property
    def certificates(self) -> Path:
        """Folder of certificates and keys."""
        return self.state / "certificates"

    @cached_property
    def authority(self) -> Authority:
        """Signs what the API server and its clients show each other."""
        return Authority(self.certificates, "kubernetes-ca")

    @cached_property
    def front_proxy_authority(self) -> Authority:
        """Signs what the API server shows to aggregated API servers."""
        return Authority(self.certificates, "front-proxy-ca")

    @cached_property
    def etcd_authority(self) -> Authority:
        """Signs for etcd alone: a certificate of the API must not open the database."""
        return Authority(self.certificates, "etcd-ca")

    @cached_property
    def etcd_client(self) -> Pair:
        """What the API server shows to etcd."""
        return self.etcd_authority.issue("etcd-client", "kube-apiserver")

    @cached_property
    def administrator(self) -> Pair:
        """A certificate that may do everything."""
        return self.authority.issue("administrator", "administrator", groups=("system:masters",))

    @cached_property
    def service_account_keys(self) -> Pair:
        """Sign and verify service account tokens."""
        return signing_key(self.certificates, "service-account")

    @property
    def admin_kubeconfig(self) -> Path:
        """The administrator's kubeconfig; `prepare` writes it."""
        return self.state / "kubeconfig"

    def prepare(self) -> None:
        """Make certificates and the administrator's kubeconfig unless they are there."""
        self.kubeconfig_for("administrator", self.administrator, self.admin_kubeconfig)

    def kubeconfig_for(self, user: str, client: Pair, path: Path | None = None) -> Path:
        """Write the kubeconfig of one client and return its path."""
        path = path or self.state / "configuration" / f"{user}.kubeconfig"
        authority = self.authority.pair.certificate
        return kubeconfig.write(path, server=self.url, authority=authority, client=client, user=user)

    @property
    def audit_log(self) -> Path:
        """One JSON object per line and write request of the operator."""
        return self.state / "logs" / "audit.log"

    def _audit_policy(self) -> Path:
        file = self.state / "configuration" / "audit-policy.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        self.audit_log.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(_AUDIT_POLICY, indent=2))
        return file

    def etcd(self) -> Process:
        """The database: one member, on loopback, TLS with client certificates."""
        server = self.etcd_authority.issue("etcd-server", "etcd", names=("127.0.0.1", "localhost"))
        authority = self.etcd_authority.pair.certificate
        client_url = f"https://127.0.0.1:{self.etcd_client_port}"
        peer_url = f"https://127.0.0.1:{self.etcd_peer_port}"
        command = [
            str(self.etcd_program),
            "--name=default",
            f"--data-dir={self.state / 'etcd'}",
            f"--listen-client-urls={client_url}",
            f"--advertise-client-urls={client_url}",
            f"--listen-peer-urls={peer_url}",
            f"--initial-advertise-peer-urls={peer_url}",
            f"--initial-cluster=default={peer_url}",
            f"--cert-file={server.certificate}",
            f"--key-file={server.key}",
            f"--trusted-ca-file={authority}",
            "--client-cert-auth=true",
            f"--peer-cert-file={server.certificate}",
            f"--peer-key-file={server.key}",
            f"--peer-trusted-ca-file={authority}",
            "--peer-client-cert-auth=true",
            "--auto-compaction-mode=periodic",
            "--auto-compaction-retention=1h",
            "--quota-backend-bytes=4294967296",
            "--log-level=warn",
        ]
        if not self.durable:
            command.append("--unsafe-no-fsync=true")
        client = self.etcd_client
        return Process(
            name="etcd",
            command=tuple(command),
            healthy=lambda: health.answers(f"{client_url}/health", authority=authority, client=client),
            files=(server.certificate, authority),
        )

    def api_server(self) -> Process:
        """The Kubernetes API server with RBAC; it reads no cloud and no file besides its certificates."""
        server = self.authority.issue(
            "kube-apiserver",
            "kube-apiserver",
            names=(
                self.address,
                "127.0.0.1",
                versions.KUBERNETES_SERVICE_ADDRESS,
                "localhost",
                "kubernetes",
                "kubernetes.default",
                "kubernetes.default.svc",
                f"kubernetes.default.svc.{versions.CLUSTER_DOMAIN}",
            ),
        )
        kubelet_client = self.authority.issue(
            "kube-apiserver-kubelet-client", "kube-apiserver-kubelet-client", groups=("system:masters",)
        )
        front_proxy = self.front_proxy_authority.issue("front-proxy-client", "front-proxy-client")
        authority = self.authority.pair.certificate
        keys = self.service_account_keys
        command = [
            str(self.programs / "kube-apiserver"),
            f"--bind-address={self.address}",
            f"--advertise-address={self.address}",
            f"--secure-port={self.api_server_port}",
            f"--etcd-servers=https://127.0.0.1:{self.etcd_client_port}",
            f"--etcd-cafile={self.etcd_authority.pair.certificate}",
            f"--etcd-certfile={self.etcd_client.certificate}",
            f"--etcd-keyfile={self.etcd_client.key}",
            f"--client-ca-file={authority}",
            f"--tls-cert-file={server.certificate}",
            f"--tls-private-key-file={server.key}",
            f"--kubelet-certificate-authority={authority}",
            f"--kubelet-client-certificate={kubelet_client.certificate}",
            f"--kubelet-client-key={kubelet_client.key}",
            "--kubelet-preferred-address-types=InternalIP",
            f"--service-account-issuer=https://kubernetes.default.svc.{versions.CLUSTER_DOMAIN}",
            f"--service-account-key-file={keys.certificate}",
            f"--service-account-signing-key-file={keys.key}",
            f"--service-cluster-ip-range={versions.SERVICE_NETWORK}",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            f"--requestheader-client-ca-file={self.front_proxy_authority.pair.certificate}",
            "--requestheader-allowed-names=front-proxy-client",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-username-headers=X-Remote-User",
            f"--proxy-client-cert-file={front_proxy.certificate}",
            f"--proxy-client-key-file={front_proxy.key}",
            "--allow-privileged=true",
            "--profiling=false",
        ]
        files = [server.certificate, authority, keys.certificate]
        if self.has_nodes:
            policy = self._audit_policy()
            command += [f"--audit-policy-file={policy}", f"--audit-log-path={self.audit_log}"]
            command += ["--audit-log-maxsize=20", "--audit-log-maxbackup=1"]
            files.append(policy)
        else:
            # No pod will reach it, and nobody makes the service accounts that admission would ask for.
            command += ["--endpoint-reconciler-type=none", "--disable-admission-plugins=ServiceAccount"]
        administrator = self.administrator
        return Process(
            name="kube-apiserver",
            command=tuple(command),
            healthy=lambda: health.answers(f"{self.url}/readyz", authority=authority, client=administrator),
            files=tuple(files),
        )

    def controller_manager(self) -> Process:
        """All of Kubernetes' own controllers; one instance, so without leader election."""
        client = self.authority.issue("controller-manager", "system:kube-controller-manager")
        config = self.kubeconfig_for("kube-controller-manager", client)
        port = self.controller_manager_port
        command = (
            str(self.programs / "kube-controller-manager"),
            *self._loopback_server(config, port),
            f"--root-ca-file={self.authority.pair.certificate}",
            f"--cluster-signing-cert-file={self.authority.pair.certificate}",
            f"--cluster-signing-key-file={self.authority.pair.key}",
            f"--service-account-private-key-file={self.service_account_keys.key}",
            f"--service-cluster-ip-range={versions.SERVICE_NETWORK}",
            "--use-service-account-credentials=true",
            "--kube-api-qps=100",
            "--kube-api-burst=200",
        )
        return Process(
            name="kube-controller-manager",
            command=command,
            healthy=lambda: health.answers(f"https://127.0.0.1:{port}/healthz"),
            files=(config,),
        )

    def scheduler(self) -> Process:
        """The stock scheduler; one instance, so without leader election."""
        client = self.authority.issue("scheduler", "system:kube-scheduler")
        config = self.kubeconfig_for("kube-scheduler", client)
        port = versions.SCHEDULER_PORT
        return Process(
            name="kube-scheduler",
            command=(str(self.programs / "kube-scheduler"), *self._loopback_server(config, port)),
            healthy=lambda: health.answers(f"https://127.0.0.1:{port}/healthz"),
            files=(config,),
        )

    @staticmethod
    def _loopback_server(config: Path, port: int) -> tuple[str, ...]:
        return (
            f"--kubeconfig={config}",
            f"--authentication-kubeconfig={config}",
            f"--authorization-kubeconfig={config}",
            "--bind-address=127.0.0.1",
            f"--secure-port={port}",
            "--leader-elect=false",
            "--profiling=false",
        )
