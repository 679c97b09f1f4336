"""Each product's own manifests, as the Go modules ship them, made to fit: nothing is left that cannot run here."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from devcluster.addons import client, coredns, knative, kourier, kserve, object_storage
from devcluster.addons.manifests import Manifest, containers, identity
from devcluster.images import catalog


def write(folder: Path, *documents: Manifest) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text(yaml.safe_dump_all(documents))


def named(manifests: list[Manifest], name: str) -> Manifest:
    (found,) = (manifest for manifest in manifests if identity(manifest) == name)
    return found


def workload(name: str, namespace: str, *found: dict[str, Any]) -> Manifest:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"template": {"spec": {"containers": list(found)}}},
    }


def config(name: str, namespace: str = "knative-serving", **data: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}, "data": data}


def test_knative_has_our_domain_ingress_and_images(tmp_path: Path) -> None:
    queue = "ko://knative.dev/serving/cmd/queue"
    write(
        tmp_path / "serving" / "config" / "core" / "all.yaml",
        workload("controller", "knative-serving", {"name": "c", "image": "ko://knative.dev/serving/cmd/controller"}),
        {"kind": "HorizontalPodAutoscaler", "metadata": {"name": "activator", "namespace": "knative-serving"}},
        config("config-domain", _example="…"),
        config("config-autoscaler", _example="…"),
        config("config-deployment", **{"queue-sidecar-image": queue}),
    )
    write(tmp_path / "networking" / "config" / "network.yaml", config("config-network", _example="…"))
    (tmp_path / "caching" / "config").mkdir(parents=True)
    made = knative.manifests(
        tmp_path / "serving",
        tmp_path / "networking",
        tmp_path / "caching",
        domain="localhost",
        release="1.21.1",
        window="6s",
        grace_period="7s",
    )
    assert not [manifest for manifest in made if manifest["kind"] == "HorizontalPodAutoscaler"]
    (container,) = containers(named(made, "Deployment/knative-serving/controller"))
    assert (container["image"], container["imagePullPolicy"]) == (catalog.KNATIVE["controller"], "IfNotPresent")
    assert named(made, "ConfigMap/knative-serving/config-domain")["data"] == {"localhost": ""}
    assert named(made, "ConfigMap/knative-serving/config-network")["data"] == {
        "ingress-class": knative.INGRESS_CLASS,
        "mesh-compatibility-mode": "disabled",
    }
    assert named(made, "ConfigMap/knative-serving/config-autoscaler")["data"] == {
        "stable-window": "6s",
        "scale-to-zero-grace-period": "7s",
    }
    deployment = named(made, "ConfigMap/knative-serving/config-deployment")["data"]
    assert deployment["queue-sidecar-image"] == catalog.KNATIVE["queue"]
    assert deployment["progress-deadline"] == "120s"


def test_the_gateway_listens_on_one_loopback_port_and_nowhere_else(tmp_path: Path) -> None:
    ports = [{"name": "http2-external", "containerPort": 8080}, {"name": "https-external", "containerPort": 8443}]
    envoy = {"name": "gateway", "image": kourier.SHIPPED_ENVOY, "ports": ports, "lifecycle": {}}
    write(
        tmp_path / "config" / "all.yaml",
        workload("3scale-kourier-gateway", "kourier-system", envoy),
        {
            "kind": "Service",
            "metadata": {"name": "kourier", "namespace": "kourier-system"},
            "spec": {"type": "LoadBalancer"},
        },
    )
    made = kourier.manifests(tmp_path, host_port=8088, release="1.21.1")
    gateway = named(made, kourier.GATEWAY)
    (container,) = containers(gateway)
    assert container["image"] == catalog.ENVOY
    assert container["ports"] == [
        {"name": "http2-external", "containerPort": 8080, "hostIP": "127.0.0.1", "hostPort": 8088},
        {"name": "https-external", "containerPort": 8443},
    ]
    assert gateway["spec"]["strategy"] == {"type": "Recreate"}
    assert named(made, "Service/kourier-system/kourier")["spec"]["type"] == "ClusterIP"


@pytest.fixture
def kserve_manifests(tmp_path: Path) -> list[Manifest]:
    manager = {
        "name": "manager",
        "image": "kserve/kserve-controller:v9",
        "args": ["--leader-elect", "--metrics-addr=x"],
    }
    webhook = {
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "inferenceservice.serving.kserve.io", "annotations": {"cert-manager.io/x": "y"}},
        "webhooks": [{"name": "a", "clientConfig": {"service": {"name": "s"}}}],
    }
    write(
        tmp_path / "install" / "v9" / "kserve.yaml",
        workload("kserve-controller-manager", "kserve", manager, {"name": "kube-rbac-proxy", "image": "x/proxy:1"}),
        workload("llmisvc-controller-manager", "kserve", manager),
        webhook,
        {
            "kind": "CustomResourceDefinition",
            "metadata": {"name": "trainedmodels.serving.kserve.io"},
            "spec": {"names": {"plural": "trainedmodels", "shortNames": ["tm"]}},
        },
        {"kind": "Certificate", "metadata": {"name": "serving-cert", "namespace": "kserve"}},
        config("inferenceservice-config", "kserve", _example="…", ingress='{"urlScheme": "http"}', deploy="{}"),
    )
    certificate = kserve.ServingCertificate("AUTHORITY", "CERTIFICATE", "KEY")
    return kserve.manifests(tmp_path, certificate, version="v9", domain="localhost")


def test_kserve_keeps_its_controller_alone(kserve_manifests: list[Manifest]) -> None:
    deployments = [manifest for manifest in kserve_manifests if manifest["kind"] == "Deployment"]
    (deployment,) = deployments
    (container,) = containers(deployment)
    assert container["image"] == catalog.KSERVE_CONTROLLER
    assert container["args"] == ["--metrics-addr=x"]
    assert not [manifest for manifest in kserve_manifests if manifest["kind"] == "Certificate"]


def test_kserve_leaves_us_our_short_name(kserve_manifests: list[Manifest]) -> None:
    definition = named(kserve_manifests, "CustomResourceDefinition/trainedmodels.serving.kserve.io")
    assert definition["spec"]["names"] == {"plural": "trainedmodels"}


def test_kserve_trusts_our_certificate(kserve_manifests: list[Manifest]) -> None:
    webhook = named(kserve_manifests, "ValidatingWebhookConfiguration/inferenceservice.serving.kserve.io")
    assert base64.b64decode(webhook["webhooks"][0]["clientConfig"]["caBundle"]) == b"AUTHORITY"
    assert webhook["webhooks"][0]["clientConfig"]["service"] == {"name": "s"}
    assert webhook["metadata"] == {"name": "inferenceservice.serving.kserve.io"}
    secret = named(kserve_manifests, f"Secret/kserve/{kserve.CERTIFICATE_SECRET}")
    assert base64.b64decode(secret["data"]["tls.key"]) == b"KEY"


def test_kserve_leaves_our_short_name_to_us(kserve_manifests: list[Manifest]) -> None:
    definition = named(kserve_manifests, "CustomResourceDefinition/trainedmodels.serving.kserve.io")
    assert "tm" not in definition["spec"]["names"].get("shortNames", [])


def test_kserve_leaves_the_hosts_to_knative(kserve_manifests: list[Manifest]) -> None:
    data = named(kserve_manifests, "ConfigMap/kserve/inferenceservice-config")["data"]
    ingress = json.loads(data["ingress"])
    assert ingress["urlScheme"] == "http"
    assert ingress["disableIstioVirtualHost"] is True
    assert (ingress["ingressDomain"], ingress["ingressClassName"]) == ("localhost", "kourier")
    assert json.loads(data["deploy"]) == {"defaultDeploymentMode": "Knative"}


def test_dns_answers_for_the_cluster_before_it_says_no() -> None:
    made = coredns.manifests(cluster_ip="198.19.0.10")
    corefile = named(made, "ConfigMap/kube-system/coredns")["data"]["Corefile"]
    assert "NXDOMAIN" in corefile
    assert named(made, "Service/kube-system/kube-dns")["spec"]["clusterIP"] == "198.19.0.10"


def test_the_s3_service_points_at_the_node() -> None:
    made = object_storage.manifests(address="198.18.0.1", port=9000)
    slice_ = named(made, "EndpointSlice/object-storage/s3")
    assert slice_["endpoints"][0]["addresses"] == ["198.18.0.1"]
    assert slice_["metadata"]["labels"] == {"kubernetes.io/service-name": "s3"}
    assert object_storage.in_cluster_endpoint(9000) == "http://s3.object-storage.svc.cluster.local:9000"


def test_the_client_knows_the_path_of_every_kind() -> None:
    made = coredns.manifests(cluster_ip="198.19.0.10") + object_storage.manifests(address="a", port=1)
    assert client.path_of(named(made, "Deployment/kube-system/coredns")) == (
        "/apis/apps/v1/namespaces/kube-system/deployments/coredns"
    )
    assert client.path_of(named(made, "Namespace/object-storage")) == "/api/v1/namespaces/object-storage"
    with pytest.raises(client.ClusterError, match="KINDS"):
        client.path_of({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "b"}})
