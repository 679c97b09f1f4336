"""Everything that `doctor` looks at in a cluster, read with one user's rights; nothing is written."""

from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from transfermodel_operator.resources.names import MODEL_LABEL

from transfermodel.cluster import kinds
from transfermodel.cluster.api import Api
from transfermodel.cluster.errors import Forbidden
from transfermodel.cluster.ingress import gateway_candidates, listens, override
from transfermodel.cluster.kinds import Manifest
from transfermodel.cluster.reading import Reader, read_operators, read_secrets
from transfermodel.cluster.storage import read_credentials, try_access
from transfermodel.cluster.surroundings import Operator, Secret, Surroundings
from transfermodel.errors import TransferModelError

OUR_CRD: Final = "transfermodels.transferlearning.dev"
KNATIVE_CRDS: Final = ("services.serving.knative.dev", "revisions.serving.knative.dev")
KSERVE_CRD: Final = "inferenceservices.serving.kserve.io"
KNATIVE_NAMESPACE: Final = "knative-serving"
KNATIVE_CONFIGS: Final = ("config-features", "config-network", "config-autoscaler", "config-domain")
GATEWAY_NAMESPACES: Final = ("kourier-system", "istio-system", "contour-external")
KSERVE_LABELS: Final = "control-plane in (kserve-controller-manager,kserve-controller-manager-service)"


@dataclass(frozen=True)
class IngressProbe:
    """One address of the ingress, and what came of a request to it."""

    url: str
    how: str
    problem: str | None


@dataclass(frozen=True)
class StorageProbe:
    """One Secret against the storage that it is for."""

    secret: str
    uri: str
    problem: str = ""
    """Empty: the storage accepts the keys."""
    remedy: str = ""


@dataclass(frozen=True)
class Health:
    """What was read."""

    server: str
    kubernetes: str
    namespace: str
    crds: dict[str, Manifest | None] = field(default_factory=dict)
    """Name -> the CRD; None: it is not there; not in the dict: this user may not see."""
    deployments: dict[str, Manifest] = field(default_factory=dict)
    """Of Knative, its ingress and KServe, by name."""
    configs: dict[str, dict[str, str]] = field(default_factory=dict)
    """ConfigMaps of Knative and KServe, by name."""
    operators: tuple[Operator, ...] | None = None
    nodes: tuple[Manifest, ...] = ()
    namespace_object: Manifest | None = None
    quotas: tuple[Manifest, ...] = ()
    limit_ranges: tuple[Manifest, ...] = ()
    models: tuple[Manifest, ...] = ()
    pods: tuple[Manifest, ...] = ()
    """Of all TransferModels; of the namespace's, where this user may not see more."""
    secrets: dict[str, Secret | None] = field(default_factory=dict)
    ingress: tuple[IngressProbe, ...] = ()
    storage: tuple[StorageProbe, ...] = ()
    unread: tuple[str, ...] = ()

    def missing(self, *names: str) -> list[str]:
        """Return those of some CRDs that are not there."""
        return [name for name in names if name in self.crds and self.crds[name] is None]


def read_health(api: Api, namespace: str) -> Health:
    """Read a cluster and one namespace of it.

    Raises:
        Unreachable: The API server does not answer, or does not accept the credentials.
    """
    kubernetes = str(api.json("/version").get("gitVersion", ""))
    reader = Reader(api)
    operators = read_operators(reader)
    models = tuple(reader.list(kinds.TRANSFER_MODELS, namespace))
    around = [Surroundings(model, operators=operators) for model in models]
    secret_names = tuple(dict.fromkeys(name for each in around for name in each.secret_names))
    deployments = read_deployments(reader)
    return Health(
        server=api.server,
        kubernetes=kubernetes,
        namespace=namespace,
        crds=read_crds(reader),
        deployments=deployments,
        configs=read_configs(reader, deployments),
        operators=operators,
        nodes=tuple(reader.list(kinds.NODES)),
        namespace_object=reader.get(kinds.NAMESPACES, None, namespace),
        quotas=tuple(reader.list(kinds.QUOTAS, namespace)),
        limit_ranges=tuple(reader.list(kinds.LIMIT_RANGES, namespace)),
        models=models,
        pods=read_pods(reader, namespace),
        secrets=read_secrets(reader, namespace, secret_names),
        ingress=probe_ingress(api),
        storage=tuple(probe_storage(api, namespace, around)),
        unread=tuple(dict.fromkeys(reader.unread)),
    )


def read_pods(reader: Reader, namespace: str) -> tuple[Manifest, ...]:
    """Return the pods of training and serving, everywhere if this user may see them."""
    try:
        return tuple(reader.api.list(kinds.PODS, labels=MODEL_LABEL))
    except Forbidden:
        return tuple(reader.list(kinds.PODS, namespace, labels=MODEL_LABEL))


def read_crds(reader: Reader) -> dict[str, Manifest | None]:
    """Return our CRD and those that serving needs; nothing of them, when this user may not see CRDs."""
    found = {name: reader.get(kinds.CRDS, None, name) for name in (OUR_CRD, *KNATIVE_CRDS, KSERVE_CRD)}
    return {} if kinds.CRDS.plural in reader.unread else found


def read_deployments(reader: Reader) -> dict[str, Manifest]:
    """Return the Deployments of Knative, of its ingresses, and of KServe."""
    found = []
    for namespace in (KNATIVE_NAMESPACE, *GATEWAY_NAMESPACES):
        found += reader.list(kinds.DEPLOYMENTS, namespace)
    found += reader.list(kinds.DEPLOYMENTS, labels=KSERVE_LABELS)
    return {deployment["metadata"]["name"]: deployment for deployment in found}


def read_configs(reader: Reader, deployments: dict[str, Manifest]) -> dict[str, dict[str, str]]:
    """Return the settings of Knative and KServe."""
    wanted = [(KNATIVE_NAMESPACE, name) for name in KNATIVE_CONFIGS]
    kserve = deployments.get("kserve-controller-manager")
    if kserve is not None:
        wanted.append((kserve["metadata"]["namespace"], "inferenceservice-config"))
    found = {name: reader.get(kinds.CONFIG_MAPS, namespace, name) for namespace, name in wanted}
    return {name: dict(config.get("data") or {}) for name, config in found.items() if config is not None}


def probe_ingress(api: Api) -> tuple[IngressProbe, ...]:
    """Ask every address of the ingress over HTTP, up to the first that answers; no model is woken."""
    probes = []
    chosen = override()
    for candidate in [chosen] if chosen else gateway_candidates(api):
        probe = IngressProbe(candidate.url, candidate.how, listens(candidate.url))
        probes.append(probe)
        if probe.problem is None:
            break
    return tuple(probes)


def probe_storage(api: Api, namespace: str, around: list[Surroundings]) -> list[StorageProbe]:
    """Ask the storage of every model with the keys of its Secret, once for each Secret and bucket."""
    wanted: dict[tuple[str, str], None] = {}
    for each in around:
        data, output = each.spec.get("data") or {}, (each.spec.get("output") or {}).get("uri")
        uris = [(part or {}).get("uri") for part in (data.get("train"), data.get("validation"), data.get("test"))]
        wanted |= {pair: None for uri in uris if (pair := _bucket(each.credentials("data"), uri))}
        wanted |= {
            pair: None for pair in [_bucket(each.credentials("output"), output or _default_output(each))] if pair
        }
    return [probe(api, namespace, secret, uri) for secret, uri in wanted]


def _default_output(around: Surroundings) -> str | None:
    watching = [operator for operator in around.operators or () if operator.watches(around.namespace)]
    settings = watching[0].settings if watching else None
    return settings.output.uri if settings and settings.output else None


def _bucket(secret: str | None, uri: Any) -> tuple[str, str] | None:
    parts = urlsplit(str(uri or ""))
    return (secret, f"s3://{parts.netloc}") if secret and parts.scheme == "s3" else None


def probe(api: Api, namespace: str, secret: str, uri: str) -> StorageProbe:
    """Ask one bucket with the keys of one Secret."""
    try:
        try_access(api, uri, read_credentials(api, namespace, secret))
    except TransferModelError as error:
        return StorageProbe(secret, uri, error.message, error.remedy)
    return StorageProbe(secret, uri)
