"""A TransferModel at a glance, and why it is not ready. Pure: objects in, values out."""

from datetime import datetime, timedelta
from typing import Any, Final

from transfermodel_operator.api import ConditionType
from transfermodel_operator.resources import names
from transfermodel_operator.runs import pods
from transfermodel_operator.runs.attempts import parse_time
from transfermodel_operator.versions import read_versions

from transfermodel.cluster.kinds import Manifest
from transfermodel.cluster.reading import INSTALL
from transfermodel.cluster.surroundings import Operator, Surroundings
from transfermodel.cluster.types import Cause, Model, Progress, VersionView, int8_figure
from transfermodel.cluster.words import remedies

UNREACTED: Final = timedelta(seconds=20)
"""A spec that nobody has looked at for so long is not being looked at."""
ORDER: Final = (ConditionType.TRAINED, ConditionType.DATA_READY, ConditionType.EVALUATED, ConditionType.SERVING)
"""As the operator itself chooses what Ready says."""
NOT_SERVED: Final = "NotServed"


def glance(around: Surroundings, now: datetime) -> Model:
    """Return a TransferModel at a glance."""
    metadata, status = around.model["metadata"], around.status
    training = status.get("training") or {}
    versions = status.get("versions") or []
    serving = (status.get("serving") or {}).get("version")
    shown = next((v for v in versions if v["name"] == serving), versions[-1] if versions else {})
    metrics = shown.get("metrics") or {}
    found = causes(around, now)
    return Model(
        where="cluster",
        name=around.name,
        namespace=around.namespace,
        stage=str(status.get("stage") or "Pending"),
        ready=not found,
        progress=Progress(
            percent=training.get("percent"),
            epoch=training.get("epoch"),
            epochs=training.get("epochs"),
            loss=training.get("loss"),
            eta_seconds=training.get("etaSeconds"),
        ),
        version=shown.get("name"),
        accuracy=metrics.get("accuracy"),
        accuracy_low=metrics.get("accuracyLow"),
        accuracy_high=metrics.get("accuracyHigh"),
        url=status.get("url"),
        created_at=time_of(metadata.get("creationTimestamp")),
        cause=found[0] if found else None,
    )


def causes(around: Surroundings, now: datetime) -> tuple[Cause, ...]:
    """Return why a TransferModel is not ready, the most telling first; nothing when it is."""
    generation = around.model["metadata"].get("generation")
    if around.model["metadata"].get("deletionTimestamp"):
        return (Cause("Deleting", "It is being deleted, with everything that it owns.", fault=False),)
    if around.status.get("observedGeneration") != generation:
        return (unseen(around, now),)
    if around.condition(ConditionType.READY).get("status") == "True":
        return ()
    found = []
    for kind in ORDER:
        condition = around.condition(kind)
        if condition.get("status") == "False" and condition.get("reason") != NOT_SERVED:
            found.append(of_condition(around, condition))
    if not found:
        waiting = [around.condition(kind) for kind in ORDER]
        unknown = next((c for c in waiting if c.get("status") == "Unknown"), around.condition(ConditionType.READY))
        found.append(of_condition(around, unknown))
    return tuple(dict.fromkeys(found))


def of_condition(around: Surroundings, condition: dict[str, Any]) -> Cause:
    """Return what a condition says, with commands that help."""
    reason = str(condition.get("reason") or "Reconciling")
    message = str(condition.get("message") or "The operator says nothing more.")
    return Cause(reason, message, remedies(reason, around), fault=condition.get("status") == "False")


def unseen(around: Surroundings, now: datetime) -> Cause:
    """Return why the operator has not looked at the present spec."""
    operators = around.operators
    changed = changed_at(around.model)
    fresh = changed is not None and now - changed < UNREACTED
    if operators is not None and not operators:
        what = "No operator is installed in this cluster, so nobody acts on TransferModels."
        return Cause("NoOperator", what, (INSTALL,))
    if operators is not None:
        if not any(operator.watches(around.namespace) for operator in operators):
            names_of = ", ".join(f"{operator.namespace}/{operator.name}" for operator in operators)
            return Cause(
                "NotWatched",
                f"The operator {names_of} does not look after namespace {around.namespace} (chart value "
                "watchNamespaces).",
                (f"helm upgrade transfermodel … --reuse-values --set watchNamespaces={{{around.namespace},…}}",),
            )
        if not any(operator.available for operator in operators):
            return broken_operator(operators[0])
    if fresh:
        return Cause("Reconciling", "It was changed a moment ago; the operator looks at it next.", fault=False)
    look = tuple(f"kubectl logs -n {o.namespace} deployment/{o.name} --tail=50" for o in operators or ())
    ask = ("Ask the cluster's owner whether TransferModel's operator is installed and runs.",)
    return Cause("Reconciling", "The operator has not looked at the present spec.", look or ask)


def broken_operator(operator: Operator) -> Cause:
    """Return why the operator does not run."""
    where = f"-n {operator.namespace}"
    why = next((found for pod in operator.pods if (found := operator_problem(pod))), "")
    if not why and not (operator.deployment.get("spec") or {}).get("replicas"):
        scale = f"kubectl scale deployment/{operator.name} {where} --replicas=1"
        return Cause("OperatorDown", "The operator is scaled to zero replicas.", (scale,))
    return Cause(
        "OperatorDown",
        f"The operator {operator.namespace}/{operator.name} does not run{why and f': {why}'}.",
        (f"kubectl describe deployment/{operator.name} {where}", f"kubectl logs deployment/{operator.name} {where}"),
    )


def operator_problem(pod: Manifest) -> str:
    """Return why a pod of the operator does not run; empty when nothing is known."""
    container = pod["spec"]["containers"][0]["name"]
    waits = pods.waits(pod, container, "the chart's resources.operator")
    if waits is not None:
        return waits.message.rstrip(".")
    state = (pods.container_status(pod, container).get("state") or {}).get("waiting") or {}
    if state.get("reason") == "CrashLoopBackOff":
        ended = pods.terminated(pod, container) or {}
        words = pods.last_words(ended.get("message"))
        return f"it ended with code {ended.get('exitCode')}{words and f'; its last words: {words}'}"
    return ""


def changed_at(model: Manifest) -> datetime | None:
    """Return when somebody other than the operator last wrote the object."""
    times = [model["metadata"].get("creationTimestamp")]
    for entry in model["metadata"].get("managedFields") or []:
        if entry.get("subresource") != "status":
            times.append(entry.get("time"))
    return max((parse_time(time) for time in times if time), default=None)


def time_of(text: str | None) -> datetime | None:
    """Return a time that Kubernetes wrote, or None."""
    return parse_time(text) if text else None


def version_views(model: Manifest, controller_revisions: tuple[Manifest, ...]) -> tuple[VersionView, ...]:
    """Return every version, oldest first: what is recorded, with the state that the operator sees."""
    status = model.get("status") or {}
    states = {entry["name"]: entry["state"] for entry in status.get("versions") or []}
    views = []
    for version in read_versions(controller_revisions, model["metadata"]["uid"]):
        counts, metrics = version.result.get("counts") or {}, version.metrics
        views.append(
            VersionView(
                name=version.name,
                state=states.get(version.name, "Candidate"),
                digest=version.digest,
                uri=version.uri,
                accuracy=metrics.get("accuracy"),
                accuracy_low=metrics.get("accuracyLow"),
                accuracy_high=metrics.get("accuracyHigh"),
                split=version.result.get("metricsSplit"),
                samples=counts.get("train"),
                classes=counts.get("classes"),
                seconds=(version.result.get("seconds") or {}).get("total"),
                created_at=time_of(version.created_at),
                int8=int8_figure(version.int8),
            )
        )
    return tuple(views)


def is_training_pod(pod: Manifest) -> bool:
    """Tell a training pod from a predictor."""
    return names.RUN_LABEL in (pod["metadata"].get("labels") or {})
