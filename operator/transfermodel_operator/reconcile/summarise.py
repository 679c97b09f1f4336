"""The status as a whole: what changed is written in one patch, and told in Events."""

import math
from typing import Any, Final

from transfermodel_operator.api import Condition, ConditionType, Reason, TransferModelStatus
from transfermodel_operator.api.status import Stage, TrainingStatus, Usage, VersionState, VersionStatus
from transfermodel_operator.findings import Finding
from transfermodel_operator.observed import Manifest
from transfermodel_operator.plan import EventPost, Plan
from transfermodel_operator.reconcile.visit import Visit
from transfermodel_operator.runs.attempts import format_time

PROGRESS: Final = {"percent", "epoch", "epochs", "etaSeconds", "loss", "startTime"}
"""Held until there is enough of it, or something else to write: the start alone is not worth a write."""
QUIET: Final = {Reason.PENDING, Reason.RECONCILING}
"""Nothing has happened yet that is worth telling."""
NOT_YET_STARTED: Final = {
    Reason.PENDING,
    Reason.PULLING_IMAGE,
    Reason.POD_NOT_CREATED,
    Reason.UNSCHEDULABLE,
    Reason.VOLUME_NOT_READY,
    Reason.SECRET_NOT_FOUND,
    Reason.IMAGE_PULL_FAILED,
}


def summarise(visit: Visit) -> Plan:
    """Return the plan with Ready, the stage, and the rest of the status."""
    ready = ready_finding(visit)
    visit.find(ConditionType.READY, ready)
    wanted = build_status(visit, ready)
    before = visit.model.get("status") or {}
    patch = merge_patch(before, hold_progress(visit, wanted.to_wire(), before))
    return Plan(
        deletions=tuple(visit.deletions),
        creations=tuple(visit.creations),
        applies=tuple(visit.applies),
        status=patch or None,
        events=events(visit),
        proof=visit.proof,
        again_after_seconds=visit.again_after_seconds,
    )


def ready_finding(visit: Visit) -> Finding:
    """Return Ready: the first condition that is False speaks for all, then the first that is Unknown."""
    kinds = (ConditionType.TRAINED, ConditionType.DATA_READY, ConditionType.EVALUATED, ConditionType.SERVING)
    parts = [visit.findings[kind] for kind in kinds]
    parts = [part for part in parts if part.reason is not Reason.NOT_SERVED]  # that is what was asked for
    for status in ("False", "Unknown"):
        for part in parts:
            if part.status == status:
                return part
    return parts[-1]


def build_status(visit: Visit, ready: Finding) -> TransferModelStatus:
    """Return the whole status as it should be."""
    generation = visit.model["metadata"].get("generation")
    return TransferModelStatus(
        observed_generation=generation,
        conditions=[condition(visit, kind, visit.findings[kind], generation) for kind in ConditionType],
        stage=stage(visit, ready),
        training=visit.training or kept_training(visit),
        versions=version_statuses(visit),
        serving=visit.serving,
        url=visit.url,
        usage=Usage(
            training_seconds=math.ceil(sum(version.training_seconds for version in visit.versions)),
            gpu_seconds=math.ceil(sum(version.gpu_seconds for version in visit.versions)),
        ),
    )


def condition(visit: Visit, kind: ConditionType, finding: Finding, generation: int | None) -> Condition:
    """Return a condition; its time moves only with its status."""
    last = next((c for c in visit.previous.conditions if c.type == kind), None)
    moved = last is None or last.status != finding.status
    return Condition(
        type=kind,
        status=finding.status,
        reason=finding.reason,
        message=finding.message,
        last_transition_time=format_time(visit.now) if moved or last is None else last.last_transition_time,
        observed_generation=generation,
    )


def stage(visit: Visit, ready: Finding) -> Stage:
    """Return the summary for people."""
    trained, serving = visit.findings[ConditionType.TRAINED], visit.findings[ConditionType.SERVING]
    if ready.status == "True":
        return "Ready"
    if trained.reason in (Reason.WAITING_FOR_BASE, Reason.BASE_NOT_FOUND):
        return "Waiting"
    if trained.reason is Reason.SUSPENDED:
        return "Suspended"
    if trained.reason in NOT_YET_STARTED:
        return "Pending"
    if ready.status == "False":
        return "Failed"
    return "Deploying" if trained.status == "True" and serving.status == "Unknown" else "Training"


def kept_training(visit: Visit) -> TrainingStatus | None:
    """Return the last run's status while no other takes its place."""
    return visit.previous.training


def version_statuses(visit: Visit) -> list[VersionStatus]:
    """Return status.versions, rebuilt from the ControllerRevisions."""
    live = visit.serving.version if visit.serving else None
    failed_before = {version.name for version in visit.previous.versions if version.state == "Failed"}
    statuses = []
    for version in visit.versions:
        state: VersionState = "Retired"
        if version.name == live:
            state = "Live"
        elif version.name == visit.serving_failed:
            state = "Failed"
        elif visit.chosen is not None and version.name == visit.chosen.name:
            state = "Candidate"
        elif version.name in failed_before:
            state = "Failed"
        statuses.append(
            VersionStatus(
                name=version.name,
                digest=version.digest,
                uri=version.uri,
                metrics=version.metrics,
                int8=version.int8,
                state=state,
                created_at=version.created_at,
            )
        )
    return statuses


def hold_progress(visit: Visit, wanted: dict[str, Any], before: Manifest) -> dict[str, Any]:
    """Leave progress as it was while it alone has changed, and by less than a part of the whole.

    The parts are counted in percent, so no more writes come of a long run than of a short one.
    """
    training, last = wanted.get("training"), before.get("training") or {}
    if not training or training["run"] != last.get("run") or training.get("attempt") != last.get("attempt"):
        return wanted
    held = wanted | {
        "training": {key: value for key, value in training.items() if key not in PROGRESS}
        | {key: value for key, value in last.items() if key in PROGRESS}
    }
    parts = visit.settings.progress_updates
    if part_of(training.get("percent"), parts) > part_of(last.get("percent"), parts) or merge_patch(before, held):
        return wanted
    return held


def part_of(percent: int | None, parts: int) -> int:
    """Return 0 before the first report, then 1 to `parts`."""
    return 0 if percent is None or parts == 0 else 1 + percent * parts // 101


def merge_patch(before: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON merge patch (RFC 7386) between two objects; keys that nobody wants any more become null."""
    patch: dict[str, Any] = {}
    for key in {**before, **wanted}:
        if key not in wanted:
            patch[key] = None
        elif isinstance(wanted[key], dict) and isinstance(before.get(key), dict):
            inner = merge_patch(before[key], wanted[key])
            if inner:
                patch[key] = inner
        elif wanted[key] != before.get(key):
            patch[key] = wanted[key]
    return patch


def events(visit: Visit) -> tuple[EventPost, ...]:
    """Return one Event per condition that has moved; Ready only repeats the others."""
    posts: list[EventPost] = []
    for kind in ConditionType:
        finding = visit.findings[kind]
        last = next((c for c in visit.previous.conditions if c.type == kind), None)
        if kind is ConditionType.READY or finding.reason in QUIET:
            continue
        if last is not None and (last.status, last.reason) == (finding.status, finding.reason):
            continue
        warning = finding.status == "False" and finding.reason is not Reason.NOT_SERVED
        post = EventPost("Warning" if warning else "Normal", finding.reason, finding.message)
        if not any((p.reason, p.message) == (post.reason, post.message) for p in posts):
            posts.append(post)
    return tuple(posts)
