"""What a cluster lacks for a run: asked of the API server and of the storage, nothing is written."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, Final

from transfermodel_operator.api.spec import Output
from transfermodel_operator.resources import containers
from transfermodel_operator.resources.containers import GPU
from transfermodel_operator.resources.quantities import parse_quantity
from transfermodel_operator.settings import Settings, default_trainer_resources

from transfermodel.cluster import Cluster, kinds
from transfermodel.cluster.kinds import Manifest
from transfermodel.cluster.reading import INSTALL, Reader, read_models, read_operators, read_secrets
from transfermodel.cluster.storage import Refused, read_credentials, try_access
from transfermodel.cluster.surroundings import Secret
from transfermodel.cluster.words import add_key, create_secret
from transfermodel.doctor.namespace import refused_by_limits, refused_by_quota
from transfermodel.documents import Document
from transfermodel.errors import NotFound, TransferModelError
from transfermodel.planning.types import Advice, InCluster

_GPU_REMEDY: Final = " with a GPU and the NVIDIA device plugin."
QUOTA_OF_GPUS: Final = (f"requests.{GPU}", f"limits.{GPU}")


class Look:
    """One look at a cluster for one TransferModel; what is found is collected."""

    def __init__(self, cluster: Cluster, document: Document, namespace: str, with_it: frozenset[str]) -> None:
        """Take where to look.

        Args:
            cluster: the cluster.
            document: what is to run there.
            namespace: where.
            with_it: names of TransferModels that are applied together with it.
        """
        self.cluster, self.document, self.namespace, self.with_it = cluster, document, namespace, with_it
        self.reader = Reader(cluster.api)
        self.spec = document.spec
        self.settings: Settings | None = None
        self.output: Output | None = document.spec.output
        self.lacks: list[Advice] = []
        self.has: list[str] = []
        self.advice: list[Advice] = []
        self.unknown: list[str] = []

    def result(self, estimate: dict[str, Any] | None) -> InCluster:
        """Look, and return what was found; estimate: of this machine, for its memory.

        Raises:
            Unreachable: the cluster does not answer.
        """
        if self._knows_transfer_models():
            self._namespace()
            self._operator()
            self._secrets()
            resources = containers.resources(self.spec.training.resources, self._default_resources())
            self._nodes(resources)
            self._quotas(resources)
            self._memory(resources, estimate)
        self.unknown += [f"You may not see {what} there." for what in dict.fromkeys(self.reader.unread)]
        found = (tuple(self.lacks), tuple(self.has), tuple(self.advice), tuple(self.unknown))
        return InCluster(self.cluster.server, self.namespace, *found)

    def _knows_transfer_models(self) -> bool:
        """Look for the CRD, and for what the model starts from."""
        try:
            models = {model["metadata"]["name"] for model in read_models(self.cluster.api, self.namespace)}
        except NotFound as error:
            self.lacks.append(Advice(error.message, error.remedy))
            return False
        self.has.append("TransferModels")
        base = self.spec.backbone.from_transfer_model
        if base is not None and base not in models | self.with_it:
            self.lacks.append(
                Advice(f"There is no TransferModel {base}, which {self.document.name} starts from.", "Apply it first.")
            )
        return True

    def _namespace(self) -> None:
        unread = list(self.reader.unread)
        found = self.reader.get(kinds.NAMESPACES, None, self.namespace)
        if found is not None:
            self.has.append(f"namespace {self.namespace}")
        elif self.reader.unread == unread:
            remedy = f"Create it: kubectl create namespace {self.namespace}"
            self.lacks.append(Advice(f"There is no namespace {self.namespace}.", remedy))

    def _operator(self) -> None:
        operators = read_operators(self.reader)
        if operators is None:
            return
        watching = [operator for operator in operators if operator.watches(self.namespace)]
        if not watching:
            self.lacks.append(Advice(f"No operator looks after namespace {self.namespace}.", f"{INSTALL}."))
            return
        self.settings = watching[0].settings
        if watching[0].available:
            self.has.append("the operator")
        else:
            self.lacks.append(Advice("The operator does not run.", "What is wrong with it: transfermodel doctor"))
        if self.output is None and self.settings is not None:
            self.output = self.settings.output
            if self.output is None:
                remedy = "Set spec.output.uri, or the chart's output.uri for all."
                self.lacks.append(Advice("It is not said where artifacts go.", remedy))

    def _default_resources(self) -> Any:
        return self.settings.trainer_resources if self.settings else default_trainer_resources()

    def _secrets(self) -> None:
        """Look for the Secrets, and try their keys on the storage."""
        data = self.spec.data
        wanted: dict[str, list[str]] = {}
        for uri, secret in (
            *(
                (source.uri, data.credentials_secret_name)
                for source in (data.train, data.validation, data.test)
                if source
            ),
            *(((self.output.uri, self.output.credentials_secret_name),) if self.output else ()),
        ):
            if not uri.startswith(("s3://", "https://")):
                self.unknown.append(f"{uri} was not asked: from here only s3:// is.")
            if secret is not None and uri.startswith("s3://"):
                wanted.setdefault(secret, []).append(uri)
        found = read_secrets(self.reader, self.namespace, tuple(wanted))
        for name, uris in wanted.items():
            if name in found and self._is_complete(name, found[name]):
                self._storage(name, uris)

    def _is_complete(self, name: str, secret: Secret | None) -> bool:
        if secret is None:
            text = f"There is no Secret {name} in namespace {self.namespace}."
            self.lacks.append(Advice(text, create_secret(name, self.namespace)))
        elif secret.missing:
            text = f"Secret {name} lacks {' and '.join(secret.missing)}."
            self.lacks.append(Advice(text, add_key(name, self.namespace, secret.missing)))
        else:
            self.has.append(f"Secret {name}")
            return True
        return False

    def _storage(self, secret: str, uris: Iterable[str]) -> None:
        api = self.cluster.api
        for bucket in dict.fromkeys("/".join(uri.split("/")[:3]) for uri in uris):
            try:
                try_access(api, bucket, read_credentials(api, self.namespace, secret))
            except (NotFound, Refused) as error:
                self.lacks.append(Advice(error.message, error.remedy))
            except ImportError:
                self.unknown.append(f"{bucket} was not asked: install transfermodel[local].")
            except TransferModelError as error:
                self.unknown.append(f"{bucket} was not asked from here: {error.message}")
            else:
                self.has.append(f"{bucket} with the keys of Secret {secret}")

    def _nodes(self, resources: Manifest) -> None:
        """Look for a node that could hold the training pod at all."""
        nodes = [node for node in self.reader.list(kinds.NODES) if not (node.get("spec") or {}).get("unschedulable")]
        if not nodes:
            return
        selector = self.spec.training.node_selector or {}
        chosen = [node for node in nodes if selector.items() <= (node["metadata"].get("labels") or {}).items()]
        if not chosen:
            wanted = ", ".join(f"{key}={value}" for key, value in selector.items())
            remedy = "Correct spec.training.nodeSelector, or label a node."
            self.lacks.append(Advice(f"No node has the labels {wanted}.", remedy))
            return
        needs = _needs(resources)
        most = {key: max(_allocatable(node, key) for node in chosen) for key in needs}
        for key, need in needs.items():
            if most[key] < need:
                what = "GPU" if key == GPU else key
                there = "no node has one" if most[key] == 0 else f"the largest node has {_shown(most[key])}"
                remedy = f"Ask for less in spec.training.resources, or add a node{_GPU_REMEDY if key == GPU else '.'}"
                self.lacks.append(Advice(f"The run needs {what} {_shown(need)}, and {there}.", remedy))
        if all(most[key] >= need for key, need in needs.items()):
            if any(all(_allocatable(node, key) >= need for key, need in needs.items()) for node in chosen):
                self.has.append(f"a node with {', '.join(f'{key} {_shown(need)}' for key, need in needs.items())}")
            else:
                self.lacks.append(Advice("No single node has everything that the run needs.", "Ask for less."))

    def _quotas(self, resources: Manifest) -> None:
        quotas = self.reader.list(kinds.QUOTAS, self.namespace)
        ranges = tuple(self.reader.list(kinds.LIMIT_RANGES, self.namespace))
        refusals = [text for quota in quotas for text in refused_by_quota(quota, resources, ranges)]
        refusals += [text for limits in ranges for text in refused_by_limits(limits, resources)]
        refusals += [text for quota in quotas for text in _refused_gpus(quota, resources)]
        remedy = (
            f"Ask for less in spec.training.resources, or have it raised: kubectl describe quota -n {self.namespace}"
        )
        self.lacks += [Advice(f"{text}.", remedy) for text in refusals]
        if quotas and not refusals:
            self.has.append("room in the quota")

    def _memory(self, resources: Manifest, estimate: dict[str, Any] | None) -> None:
        limit = (resources.get("limits") or {}).get("memory")
        needed = (estimate or {}).get("memoryBytes")
        if limit is not None and needed and parse_quantity(limit) < needed:
            gibibytes = -(-int(needed * 5 // 4) // 2**30)
            self.advice.append(
                Advice(
                    f"The training pod may use {limit} of memory, and the run is estimated to need {_shown(needed)}.",
                    f"Set spec.training.resources.limits.memory: {gibibytes}Gi.",
                )
            )


def in_cluster(
    cluster: Cluster,
    document: Document,
    *,
    namespace: str | None = None,
    with_it: Iterable[str] = (),
    estimate: dict[str, Any] | None = None,
) -> InCluster:
    """Return what a cluster lacks for a TransferModel.

    Args:
        cluster: the cluster.
        document: what is to run there.
        namespace: where; default: the file's, else that of the kubeconfig's context.
        with_it: names of TransferModels that are applied together with it.
        estimate: of the run on this machine, for its memory.

    Raises:
        Unreachable: the cluster does not answer.
    """
    own = document.manifest["metadata"].get("namespace")
    look = Look(cluster, document, namespace or own or cluster.namespace, frozenset(with_it))
    return look.result(estimate)


def _needs(resources: Manifest) -> dict[str, Decimal]:
    """Return what the scheduler looks for; a limit without a request is one."""
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    return {key: parse_quantity(value) for key, value in (limits | requests).items()}


def _allocatable(node: Manifest, key: str) -> Decimal:
    return parse_quantity(((node.get("status") or {}).get("allocatable") or {}).get(key, 0))


def _refused_gpus(quota: Manifest, resources: Manifest) -> Iterator[str]:
    status = quota.get("status") or {}
    hard, used = status.get("hard") or {}, status.get("used") or {}
    needed = parse_quantity((resources.get("limits") or {}).get(GPU, 0))
    for key in QUOTA_OF_GPUS:
        if needed and key in hard and parse_quantity(hard[key]) - parse_quantity(used.get(key, 0)) < needed:
            left = parse_quantity(hard[key]) - parse_quantity(used.get(key, 0))
            yield f"ResourceQuota {quota['metadata']['name']} leaves {key} {left:f}; the run needs {needed:f}"


def _shown(amount: Decimal | float) -> str:
    """Return an amount for people: memory in Gi."""
    if amount >= 2**20:
        return f"{float(amount) / 2**30:.1f}Gi"
    return f"{float(amount):g}"
