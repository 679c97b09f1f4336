"""Everything about one TransferModel, put together for people. Pure: objects in, values out."""

from datetime import datetime
from typing import Any, Literal

from transfermodel_operator.api.run import EXIT_USER_ERROR
from transfermodel_operator.resources import names
from transfermodel_operator.runs import pods as pod_words
from transfermodel_operator.runs.attempts import Attempt, by_age
from transfermodel_operator.runs.outcome import read_failure

from transfermodel.cluster.kinds import Manifest
from transfermodel.cluster.logs import readable
from transfermodel.cluster.models import causes, glance, is_training_pod, time_of, version_views
from transfermodel.cluster.reading import main_container
from transfermodel.cluster.surroundings import Surroundings
from transfermodel.cluster.timeline import timeline
from transfermodel.cluster.types import (
    ConditionView,
    Description,
    PodView,
    RevisionView,
    RunView,
    ServingView,
)
from transfermodel.cluster.words import in_words


def describe(around: Surroundings, now: datetime) -> Description:
    """Return everything about one TransferModel."""
    return Description(
        model=glance(around, now),
        causes=causes(around, now),
        conditions=conditions(around),
        versions=version_views(around.model, around.controller_revisions),
        run=newest_run(around),
        serving=serving(around),
        timeline=timeline(around),
        unread=around.unread,
    )


def conditions(around: Surroundings) -> tuple[ConditionView, ...]:
    """Return the conditions in words."""
    generation = around.model["metadata"].get("generation")
    return tuple(
        ConditionView(
            type=condition["type"],
            status=condition["status"],
            reason=condition["reason"],
            words=in_words(condition["reason"]),
            message=condition.get("message", ""),
            since=time_of(condition.get("lastTransitionTime")),
            outdated=condition.get("observedGeneration") != generation,
        )
        for condition in around.status.get("conditions") or []
    )


def newest_run(around: Surroundings) -> RunView | None:
    """Return the newest training run: its Job, and the pods of that."""
    training = around.status.get("training") or {}
    uid = around.model["metadata"]["uid"]
    jobs = [job for job in around.jobs if names.controller_uid(job) == uid]
    attempts = sorted((Attempt(job, _pods_of(around, job)) for job in jobs), key=lambda a: (a.number, a.name))
    run = training.get("run")
    if run:
        attempts = [attempt for attempt in attempts if attempt.run_label == names.short(run)]
    if not run and not attempts:
        return None
    attempt = attempts[-1] if attempts else None
    return RunView(
        key=run or (attempt.run_label if attempt else ""),
        attempt=attempt.number if attempt else int(training.get("attempt") or 1),
        job=attempt.name if attempt else None,
        state=_run_state(attempt, around),
        started_at=time_of((attempt.start_time if attempt else None) or training.get("startTime")),
        ended_at=(attempt.ended_at if attempt else None) or time_of(training.get("completionTime")),
        pods=tuple(pod_view(pod, around) for pod in attempt.pods) if attempt else (),
    )


def _run_state(
    attempt: Attempt | None, around: Surroundings
) -> Literal["Waiting", "Running", "Succeeded", "Failed", "Suspended"]:
    if attempt is None:
        return "Succeeded" if around.condition("Trained").get("status") == "True" else "Waiting"
    if attempt.stopped:
        return "Suspended"
    if attempt.final is not None:
        return "Succeeded" if attempt.complete else "Failed"
    running = any((pod.get("status") or {}).get("phase") == "Running" for pod in attempt.pods)
    return "Running" if running else "Waiting"


def _pods_of(around: Surroundings, job: Manifest) -> tuple[Manifest, ...]:
    return by_age(pod for pod in around.pods if names.controller_uid(pod) == job["metadata"]["uid"])


def pod_view(pod: Manifest, around: Surroundings) -> PodView:
    """Return a pod with what is wrong with it."""
    container = main_container(pod)
    trains = is_training_pod(pod)
    status = pod_words.container_status(pod, container)
    problem, said = ending(pod, container, trains)
    waits = pod_words.waits(pod, container, "spec.training" if trains else "spec.serving")
    return PodView(
        name=pod["metadata"]["name"],
        role="trainer" if trains else "predictor",
        phase=phase_of(pod, status),
        node=(pod.get("spec") or {}).get("nodeName"),
        restarts=int(status.get("restartCount") or 0),
        problem=waits.message if waits else problem,
        last_words=said,
        log=around.logs.get(pod["metadata"]["name"], ()),
    )


def phase_of(pod: Manifest, status: dict[str, Any]) -> str:
    """Return what `kubectl get pods` would say: the waiting or ending reason of the container, else the phase."""
    if pod["metadata"].get("deletionTimestamp"):
        return "Terminating"
    state = status.get("state") or {}
    for kind in ("waiting", "terminated"):
        reason = (state.get(kind) or {}).get("reason")
        if reason:
            return str(reason)
    return str((pod.get("status") or {}).get("reason") or (pod.get("status") or {}).get("phase") or "Unknown")


def ending(pod: Manifest, container: str, trains: bool) -> tuple[str, str]:
    """Return how a pod ended badly, and what it wrote itself; both empty when it did not."""
    if pod_words.is_disrupted(pod):
        return "The cluster took the pod away (eviction, preemption or a drained node).", ""
    ended = pod_words.terminated(pod, container)
    if not ended or not ended.get("exitCode"):
        return "", ""
    said = pod_words.last_words("\n".join(readable(line) for line in str(ended.get("message") or "").splitlines()))
    if trains:
        understood = ended["exitCode"] == EXIT_USER_ERROR  # its words are JSON then, for the operator
        return read_failure(pod).message, "" if understood else said
    if ended.get("reason") == "OOMKilled":
        return "The predictor used more memory than it may. Raise spec.serving.resources.limits.memory.", said
    return f"The predictor ended with code {ended['exitCode']}.", said


def serving(around: Surroundings) -> ServingView:
    """Return what serves: the InferenceService, its Revisions and its pods."""
    service = around.inference_service
    shares: dict[str, int] = {}
    component = (((service or {}).get("status") or {}).get("components") or {}).get("predictor") or {}
    for traffic in component.get("traffic") or []:
        name = str(traffic.get("revisionName", ""))
        shares[name] = shares.get(name, 0) + int(traffic.get("percent") or 0)
    revisions = tuple(
        _revision(revision, shares) for revision in sorted(around.revisions, key=lambda r: r["metadata"]["name"])
    )
    pods = tuple(pod_view(pod, around) for pod in by_age(around.pods) if not is_training_pod(pod))
    return ServingView(
        inference_service=service["metadata"]["name"] if service else None,
        revisions=revisions,
        pods=pods,
        note=_serving_note(around, any(r.ready == "True" and r.percent for r in revisions), bool(pods)),
    )


def _revision(revision: Manifest, shares: dict[str, int]) -> RevisionView:
    name = revision["metadata"]["name"]
    ready = next(
        (c for c in (revision.get("status") or {}).get("conditions") or [] if c["type"] == "Ready"),
        {"status": "Unknown"},
    )
    return RevisionView(
        name=name,
        version=(revision["metadata"].get("labels") or {}).get(names.VERSION_LABEL),
        ready=ready["status"],
        percent=shares.get(name, 0),
        message=ready.get("message") or ready.get("reason") or "",
    )


def _serving_note(around: Surroundings, ready: bool, has_pods: bool) -> str:
    if ((around.spec.get("serving") or {}).get("mode") or "Knative") == "None":
        return "spec.serving.mode is None: it is trained, not served."
    if around.inference_service is None:
        return "There is no InferenceService yet."
    if ready and not has_pods:
        return "Scaled to zero: no pod runs, and the next request starts one."
    return ""
