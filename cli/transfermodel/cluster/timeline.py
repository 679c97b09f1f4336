"""The story of a TransferModel, from its objects and their Events. Pure."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from transfermodel_operator.resources import names
from transfermodel_operator.runs import pods as pod_words
from transfermodel_operator.runs.attempts import Attempt, parse_time

from transfermodel.cluster.kinds import Manifest
from transfermodel.cluster.models import is_training_pod
from transfermodel.cluster.reading import main_container
from transfermodel.cluster.surroundings import Surroundings
from transfermodel.cluster.types import Moment

LONGEST: Final = 60
TOLD_OTHERWISE: Final = {
    "SuccessfulCreate",
    "Completed",
    "Created",
    "Started",
    "Pulled",
    "Scheduled",
    "SuccessfulDelete",
}
"""Events of things that the objects tell better themselves."""
TRANSIENT: Final = {"Unhealthy"}
"""A probe that failed while a container started; what comes of it is told by the pod."""

SIDECAR: Final = "queue-proxy"
"""Knative's own container beside the predictor: it starts and stops with it."""


def timeline(around: Surroundings) -> tuple[Moment, ...]:
    """Return what happened, oldest first; at most the last `LONGEST` moments."""
    moments = dict.fromkeys((*_objects(around), *_events(around)))
    # Times are of whole seconds: within one, the order above holds.
    return tuple(sorted(moments, key=lambda moment: moment.at)[-LONGEST:])


def _objects(around: Surroundings) -> Iterator[Moment]:
    yield Moment(_created(around.model), "TransferModel created", around.name)
    uid = around.model["metadata"]["uid"]
    for job in around.jobs:
        if names.controller_uid(job) == uid:
            attempt = Attempt(job, ())
            yield Moment(_created(job), f"training run started (attempt {attempt.number})", f"job/{attempt.name}")
            if attempt.ended_at and not attempt.complete:
                yield Moment(attempt.ended_at, "training run failed", f"job/{attempt.name}", warning=True)
    for version in around.controller_revisions:
        if names.controller_uid(version) == uid:
            name = names.version_name(int(version["revision"]))
            accuracy = ((version["data"].get("result") or {}).get("metrics") or {}).get("accuracy")
            yield Moment(
                _created(version),
                f"{name} recorded{accuracy and f', accuracy {accuracy}'}",
                version["metadata"]["name"],
            )
    for revision in around.revisions:
        version = (revision["metadata"].get("labels") or {}).get(names.VERSION_LABEL, "?")
        yield Moment(_created(revision), f"rollout of {version} began", f"revision/{revision['metadata']['name']}")
    for pod in around.pods:
        yield from _pod(pod)


def _pod(pod: Manifest) -> Iterator[Moment]:
    source, container = f"pod/{pod['metadata']['name']}", main_container(pod)
    what = "trainer" if is_training_pod(pod) else "predictor"
    state = pod_words.container_status(pod, container).get("state") or {}
    ended = pod_words.terminated(pod, container)
    started = (state.get("running") or ended or {}).get("startedAt")
    if started:
        yield Moment(parse_time(started), f"{what} started", source)
    if ended and ended.get("finishedAt"):
        code = ended.get("exitCode")
        how = "ended" if code == 0 else f"ended with code {code} ({ended.get('reason', 'Error')})"
        yield Moment(parse_time(ended["finishedAt"]), f"{what} {how}", source, warning=code != 0)


def _events(around: Surroundings) -> Iterator[Moment]:
    ours = [str(e.get("message", "")) for e in around.events if _about(e) == "transfermodel"]
    for event in around.events:
        at = event_time(event)
        reason, warning = str(event.get("reason", "")), event.get("type") == "Warning"
        if at is None or reason in TOLD_OTHERWISE or reason in TRANSIENT:
            continue
        about = event.get("involvedObject") or {}
        if SIDECAR in str(about.get("fieldPath", "")) or SIDECAR in str(event.get("message", "")):
            continue
        kind = _about(event)
        said = str(event.get("message", "")).rstrip(".")
        if kind != "transfermodel" and any(said in message for message in ours):
            continue  # the operator has told it, with what to do
        count = int((event.get("series") or {}).get("count") or event.get("count") or 1)
        times = f" ({count} times)" if count > 1 else ""
        words = " ".join(said.split())
        source = around.name if kind == "transfermodel" else f"{kind}/{about.get('name')}"
        yield Moment(at, f"{reason}: {words}{times}", source, warning=warning)


def _about(event: dict[str, Any]) -> str:
    return str((event.get("involvedObject") or {}).get("kind", "")).lower()


def event_time(event: dict[str, Any]) -> datetime | None:
    """Return when an Event last happened; three generations of clients write it in three places."""
    series = event.get("series") or {}
    text = series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime")
    text = text or event.get("firstTimestamp") or event["metadata"].get("creationTimestamp")
    return parse_time(text).replace(microsecond=0) if text else None


def _created(manifest: Manifest) -> datetime:
    return parse_time(manifest["metadata"]["creationTimestamp"])
