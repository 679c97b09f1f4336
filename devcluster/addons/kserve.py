"""KServe: its InferenceService controller alone, with a certificate of our own, behind Kourier."""

import base64
import json
from dataclasses import dataclass
from pathlib import Path

from devcluster.addons.manifests import (
    Manifest,
    change,
    containers,
    read,
    with_data,
    with_images,
    with_local_images_only,
    with_quick_probes,
    with_small_requests,
)
from devcluster.images import catalog

NAMESPACE = "kserve"
CONTROLLER = f"Deployment/{NAMESPACE}/kserve-controller-manager"
TRAINED_MODEL = "CustomResourceDefinition/trainedmodels.serving.kserve.io"
CERTIFICATE_SECRET = "kserve-webhook-server-cert"  # noqa: S105 - a name
WEBHOOK_HOST = f"kserve-webhook-server-service.{NAMESPACE}.svc"
WEBHOOK_KINDS = frozenset({"MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"})

# The other controllers that one file ships: large language models, and models kept on the nodes' disks.
UNUSED = ("llm", "localmodel", "inferencepool", "inferencemodelrewrite", "inferenceobjective")
# cert-manager's kinds, and the storage initializer's container: models are read by the predictor itself.
UNUSED_KINDS = frozenset({"Certificate", "Issuer", "ClusterStorageContainer"})


@dataclass(frozen=True)
class ServingCertificate:
    """PEM texts of a webhook's certificate, its key and the authority that signed it."""

    authority: str
    certificate: str
    key: str


def manifests(kserve: Path, certificate: ServingCertificate, *, version: str, domain: str) -> list[Manifest]:
    """Everything of KServe's InferenceService controller.

    Args:
        kserve: folder of the module github.com/kserve/kserve.
        certificate: for `WEBHOOK_HOST`; stands in for cert-manager.
        version: which of the folder's install files.
        domain: last part of every service's host name.
    """
    shipped = read(kserve / "install" / version / "kserve.yaml")
    kept = [manifest for manifest in shipped if not _is_unused(manifest)]
    kept = with_images(kept, {f"kserve/kserve-controller:{version}": catalog.KSERVE_CONTROLLER})
    kept = change(kept, CONTROLLER, _alone)
    kept = change(kept, TRAINED_MODEL, _without_short_name)
    kept = with_local_images_only(with_quick_probes(with_small_requests(kept, cpu="50m", memory="100Mi")))
    kept = [_trusting(manifest, certificate) if manifest["kind"] in WEBHOOK_KINDS else manifest for manifest in kept]
    kept = with_data(kept, f"{NAMESPACE}/inferenceservice-config", configuration(kept, domain))
    return [_namespace(), _secret(certificate), *kept]


def configuration(manifests: list[Manifest], domain: str) -> dict[str, str]:
    """The keys of inferenceservice-config that differ here, each the whole JSON text that KServe reads."""
    (shipped,) = (manifest["data"] for manifest in manifests if manifest["kind"] == "ConfigMap")
    ingress = json.loads(shipped["ingress"]) | {
        # Knative's own Route is the only one: there is no Istio to add a virtual host to.
        "disableIstioVirtualHost": True,
        "ingressClassName": "kourier",
        "ingressDomain": domain,
        "domainTemplate": "{{ .Name }}.{{ .Namespace }}.{{ .IngressDomain }}",
        "localGatewayService": "kourier-internal.kourier-system.svc.cluster.local",
    }
    # By default every container without resources asks for a whole core and two gigabytes.
    service = {"resource": {"cpuRequest": "25m", "memoryRequest": "64Mi", "cpuLimit": "2", "memoryLimit": "2Gi"}}
    return {
        "deploy": json.dumps({"defaultDeploymentMode": "Knative"}),
        "ingress": json.dumps(ingress),
        "inferenceService": json.dumps(service),
    }


def _is_unused(manifest: Manifest) -> bool:
    name = manifest["metadata"]["name"].lower()
    return (
        manifest["kind"] in UNUSED_KINDS
        or any(word in name for word in UNUSED)
        # These are for the metrics proxy and the router of another deployment.
        or name in ("kserve-controller-manager-metrics-service", "kserve-webhook-server-secret")
    )


def _alone(deployment: Manifest) -> None:
    """Drop the metrics proxy, whose image we do not have, and the election that one replica need not win."""
    pod = deployment["spec"]["template"]["spec"]
    pod["containers"] = [container for container in containers(deployment) if container["name"] == "manager"]
    (manager,) = pod["containers"]
    manager["args"] = [argument for argument in manager["args"] if argument != "--leader-elect"]
    deployment["spec"]["strategy"] = {"type": "Recreate"}
    # Its shipped limit of 300Mi is near what it needs with one InferenceService.
    manager["resources"] = {"limits": {"memory": "1Gi"}}


def _without_short_name(definition: Manifest) -> None:
    """Free `tm`: kubectl takes the group that sorts first, and nobody here uses TrainedModels."""
    definition["spec"]["names"].pop("shortNames", None)


def _trusting(manifest: Manifest, certificate: ServingCertificate) -> Manifest:
    """Name the authority that signed our certificate; cert-manager would have done it."""
    bundle = base64.b64encode(certificate.authority.encode()).decode()
    metadata = {key: value for key, value in manifest["metadata"].items() if key in ("name", "labels")}
    webhooks = [
        webhook | {"clientConfig": webhook["clientConfig"] | {"caBundle": bundle}} for webhook in manifest["webhooks"]
    ]
    return manifest | {"metadata": metadata, "webhooks": webhooks}


def _namespace() -> Manifest:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}


def _secret(certificate: ServingCertificate) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": CERTIFICATE_SECRET, "namespace": NAMESPACE},
        "type": "kubernetes.io/tls",
        "data": {
            "tls.crt": base64.b64encode(certificate.certificate.encode()).decode(),
            "tls.key": base64.b64encode(certificate.key.encode()).decode(),
        },
    }
