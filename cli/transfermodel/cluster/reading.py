"""Read the cluster around one TransferModel; what this user may not see is left out, and named."""

from typing import Any, Final

from transfermodel_operator.resources import names
from transfermodel_operator.runs.pods import container_status

from transfermodel.cluster import kinds
from transfermodel.cluster.api import Api
from transfermodel.cluster.errors import Forbidden, KindAbsent
from transfermodel.cluster.kinds import Kind, Manifest
from transfermodel.cluster.surroundings import Operator, Secret, Surroundings
from transfermodel.errors import NotFound, TransferModelError

OPERATOR_LABELS: Final = "app.kubernetes.io/name=transfermodel"
OPERATOR_NAMESPACE: Final = "transfermodel-system"
INSTALL: Final = (
    "Install the operator: helm install transfermodel charts/transfermodel "
    f"--namespace {OPERATOR_NAMESPACE} --create-namespace"
)
LOG_LINES: Final = 12


class Reader:
    """Asks, and remembers what it was not allowed to see."""

    def __init__(self, api: Api) -> None:
        """Take the way to the API server."""
        self.api = api
        self.unread: list[str] = []

    def get(self, kind: Kind, namespace: str | None, name: str) -> Manifest | None:
        """Return an object; None when there is none, or this user may not see it."""
        try:
            return self.api.get(kind, namespace, name)
        except (Forbidden, KindAbsent) as error:
            self._note(kind, error)
            return None

    def list(self, kind: Kind, namespace: str | None = None, *, labels: str = "") -> list[Manifest]:
        """Return objects; nothing when this user may not see them."""
        try:
            return self.api.list(kind, namespace, labels=labels)
        except (Forbidden, KindAbsent) as error:
            self._note(kind, error)
            return []

    def _note(self, kind: Kind, error: Exception) -> None:
        if isinstance(error, Forbidden) and kind.plural not in self.unread:
            self.unread.append(kind.plural)


def read_model(api: Api, namespace: str, name: str) -> Manifest:
    """Return a TransferModel.

    Raises:
        NotFound: There is none of that name, or no CRD; the remedy names what is there.
    """
    try:
        found = api.get(kinds.TRANSFER_MODELS, namespace, name)
    except KindAbsent:
        raise NotFound(f"The cluster at {api.server} knows no TransferModels.", f"{INSTALL}.") from None
    if found is not None:
        return found
    there = sorted(model["metadata"]["name"] for model in api.list(kinds.TRANSFER_MODELS, namespace))
    others = f"There are: {', '.join(there)}." if there else "There is none in that namespace; choose another with -n."
    raise NotFound(f"There is no TransferModel {name!r} in namespace {namespace!r} of the cluster.", others)


def read_models(api: Api, namespace: str | None) -> list[Manifest]:
    """Return the TransferModels of a namespace, or of the whole cluster.

    Raises:
        NotFound: The cluster knows no TransferModels.
    """
    try:
        return api.list(kinds.TRANSFER_MODELS, namespace)
    except KindAbsent:
        raise NotFound(f"The cluster at {api.server} knows no TransferModels.", f"{INSTALL}.") from None


def read_surroundings(api: Api, model: Manifest, *, logs: bool) -> Surroundings:
    """Return everything around a TransferModel.

    Args:
        api: The way to the API server.
        model: The TransferModel, read just now.
        logs: Whether to read the last lines of pods that do not run well.
    """
    reader = Reader(api)
    name, namespace = model["metadata"]["name"], model["metadata"]["namespace"]
    ours, served = f"{names.MODEL_LABEL}={name}", f"{names.INFERENCE_SERVICE_LABEL}={name}"

    jobs = tuple(reader.list(kinds.JOBS, namespace, labels=ours))
    pods = tuple(reader.list(kinds.PODS, namespace, labels=ours))
    controller_revisions = tuple(reader.list(kinds.CONTROLLER_REVISIONS, namespace, labels=ours))
    service = reader.get(kinds.INFERENCE_SERVICES, namespace, name)
    revisions = tuple(reader.list(kinds.REVISIONS, namespace, labels=served))
    operators = read_operators(reader)
    around = Surroundings(model, jobs, pods, controller_revisions, service, revisions, operators=operators)
    family = {item["metadata"]["uid"] for item in (model, *jobs, *pods, *revisions, *([service] if service else []))}
    all_events = reader.list(kinds.EVENTS, namespace)
    return Surroundings(
        model,
        jobs,
        pods,
        controller_revisions,
        service,
        revisions,
        events=tuple(e for e in all_events if (e.get("involvedObject") or {}).get("uid") in family),
        secrets=read_secrets(reader, namespace, around.secret_names),
        operators=operators,
        logs=read_logs(reader, pods) if logs else {},
        unread=tuple(reader.unread),
    )


def read_operators(reader: Reader) -> tuple[Operator, ...] | None:
    """Return the operators that are installed; None: this user may see neither all namespaces nor the usual one."""
    api = reader.api
    for namespace in (None, OPERATOR_NAMESPACE):
        try:
            found = api.list(kinds.DEPLOYMENTS, namespace, labels=OPERATOR_LABELS)
        except Forbidden:
            continue
        return tuple(Operator(deployment, _pods_of(reader, deployment)) for deployment in found)
    reader.unread.append("the operator")
    return None


def _pods_of(reader: Reader, deployment: Manifest) -> tuple[Manifest, ...]:
    selector = deployment["spec"]["selector"].get("matchLabels") or {}
    labels = ",".join(f"{key}={value}" for key, value in selector.items())
    namespace = deployment["metadata"]["namespace"]
    return tuple(reader.list(kinds.PODS, namespace, labels=labels))


def read_secrets(reader: Reader, namespace: str, secret_names: tuple[str, ...]) -> dict[str, Secret | None]:
    """Return the keys of Secrets; one that this user may not read is left out."""
    found: dict[str, Secret | None] = {}
    for name in secret_names:
        try:
            manifest = reader.api.get(kinds.SECRETS, namespace, name)
        except Forbidden:
            reader.unread.append(f"secret {name}")
            continue
        found[name] = None if manifest is None else Secret(tuple(sorted(manifest.get("data") or {})))
    return found


def read_logs(reader: Reader, pods: tuple[Manifest, ...]) -> dict[str, tuple[str, ...]]:
    """Return the last lines of every pod that has ended badly, or starts again and again."""
    found = {}
    for pod in pods:
        container = main_container(pod)
        status = container_status(pod, container)
        ended = (status.get("state") or {}).get("terminated") or {}
        crashed = bool(status.get("restartCount")) or ended.get("exitCode", 0) != 0
        if crashed:
            query = {"container": container, "tailLines": LOG_LINES}
            if not ended and "running" not in (status.get("state") or {}):
                query["previous"] = "true"
            lines = _log(reader.api, pod, query)
            if lines:
                found[pod["metadata"]["name"]] = lines
    return found


def main_container(pod: Manifest) -> str:
    """Return the name of the container that is ours: Knative puts another beside it."""
    there = [str(container["name"]) for container in pod["spec"]["containers"]]
    ours = (names.TRAINER_CONTAINER, names.PREDICTOR_CONTAINER)
    return next((name for name in ours if name in there), there[0])


def _log(api: Api, pod: Manifest, query: dict[str, Any]) -> tuple[str, ...]:
    """Return nothing when the log is gone: it is never worth failing for."""
    metadata = pod["metadata"]
    try:
        text = api.read(kinds.PODS.path(metadata["namespace"], metadata["name"], "log"), query)
    except TransferModelError:
        return ()
    return tuple(text.decode("utf-8", "replace").splitlines())
