"""The training run that the spec asks for: one active Job at most, and a recorded run never runs again."""

from typing import Final

from transfermodel_operator.api import BaseArtifact, ConditionType, Reason, TransferModelSpec
from transfermodel_operator.api.status import TrainingStatus
from transfermodel_operator.findings import Finding, failed, waiting
from transfermodel_operator.reconcile import base
from transfermodel_operator.reconcile.visit import Visit
from transfermodel_operator.resources import containers, names
from transfermodel_operator.resources.training_job import suspension, training_job
from transfermodel_operator.runs.attempts import Attempt, orphans, read_attempts
from transfermodel_operator.runs.interruptions import count_interruptions
from transfermodel_operator.runs.key import spec_hash
from transfermodel_operator.runs.outcome import RETRY, Outcome, judge, read_progress
from transfermodel_operator.runs.request import run_request
from transfermodel_operator.versions import of_run

LOOK_AGAIN_SECONDS: Final = 2.0
"""While a Job changes: between looks at its pods."""
REACHED: Final = {"percent", "epoch", "epochs", "eta_seconds", "loss"}
"""What status.training tells of a run's progress."""


def run(visit: Visit) -> None:
    """Have the spec's run done once; settles Trained while there is no version of it."""
    spec = visit.spec
    if spec is None:
        return
    attempts = read_attempts(visit.observed)
    own = [attempt for attempt in attempts if attempt.run_label == names.short(visit.run_key)]
    others = [attempt for attempt in attempts if attempt not in own]
    current = own[-1] if own else None
    visit.chosen = of_run(visit.versions, visit.run_key)
    if visit.chosen is not None:
        stop(visit, [attempt for attempt in others if attempt.active])
        return
    outdated = [a for a in (*others, *own[:-1]) if a.active]
    if current is not None and current.active and (spec.suspend or current.spec_hash != spec_hash(spec)):
        outdated.append(current)
    if outdated or orphans(visit.observed) or (current is not None and current.deleting):
        stop(visit, outdated)
        if not spec.suspend:
            finding = waiting(Reason.PENDING, "The former run is stopped; the next one starts when its pod is gone")
            visit.find(ConditionType.TRAINED, finding)
            visit.again(LOOK_AGAIN_SECONDS)
            return
    outcome = judge_current(visit, current)
    if outcome is not None and outcome.result is not None:
        visit.outcome = outcome  # a result is recorded even when it came with the suspension
        visit.training = training_status(visit, current, outcome)
        visit.gpus = current.gpus if current is not None else 0
    elif spec.suspend:
        message = "spec.suspend is set: no training run is started. What serves goes on serving"
        visit.find(ConditionType.TRAINED, waiting(Reason.SUSPENDED, message))
    elif current is None or outcome is None or is_due(visit, spec, current, outcome):
        start(visit, spec, attempts, current)
    else:
        follow(visit, current, outcome)


def stop(visit: Visit, attempts: list[Attempt]) -> None:
    """Delete Jobs, each with its pods."""
    for attempt in attempts:
        visit.delete(attempt.job | {"apiVersion": "batch/v1", "kind": "Job"})


def judge_current(visit: Visit, current: Attempt | None) -> Outcome | None:
    """Return what the run's newest Job has come to."""
    if current is None:
        return None
    interruptions = count_interruptions(current, visit.previous.training)
    outcome = judge(current, interruptions, visit.observed.job_warnings.get(current.name), visit.now)
    if outcome.result is not None and outcome.result.run != visit.run_key:
        message = f"The trainer reported the result of another run ({outcome.result.run}). {RETRY}"
        return Outcome(failed(Reason.RUN_FAILED, message), over=outcome.over)
    return outcome


def is_due(visit: Visit, spec: TransferModelSpec, current: Attempt, outcome: Outcome) -> bool:
    """Tell whether a run that is over is tried again now."""
    if not outcome.over or current.active:
        return False
    requested = (visit.model["metadata"].get("annotations") or {}).get(names.RUN_REQUESTED_ANNOTATION)
    if current.spec_hash != spec_hash(spec) or (requested is not None and requested != current.requested):
        return True
    if outcome.retry_at is None:
        return outcome.lost
    wait = (outcome.retry_at - visit.now).total_seconds()
    if wait > 0:
        visit.again(wait)
    return wait <= 0


def follow(visit: Visit, current: Attempt, outcome: Outcome) -> None:
    """Report on a Job that is there."""
    visit.outcome = outcome
    visit.find(ConditionType.TRAINED, outcome.finding)
    visit.training = training_status(visit, current, outcome)
    if outcome.exhausted:
        visit.applies.append(suspension(current.job))
    if not outcome.over:
        visit.again(visit.settings.progress_seconds if outcome.pod else LOOK_AGAIN_SECONDS)


def training_status(visit: Visit, current: Attempt | None, outcome: Outcome) -> TrainingStatus:
    """Return status.training of a run that is not recorded."""
    progress = read_progress(visit.observed.progress.get(outcome.pod or ""))
    reached = {} if progress is None else progress.model_dump(include=REACHED)
    last = visit.previous.training
    if progress is None and outcome.finding.status == "Unknown" and last is not None and last.run == visit.run_key:
        reached = last.model_dump(include=REACHED)
    status = TrainingStatus(run=visit.run_key, completion_time=outcome.ended_at or None, **reached)
    if current is None:
        return status
    interruptions = count_interruptions(current, last)
    return status.model_copy(
        update={
            "attempt": current.number,
            "start_time": current.start_time,
            "interruptions": interruptions.count or None,
            "last_interruption_time": interruptions.last,
        }
    )


def start(visit: Visit, spec: TransferModelSpec, attempts: list[Attempt], current: Attempt | None) -> None:
    """Create the run's Job, if all that it needs is there; Jobs that it replaces are deleted."""
    output = visit.output
    if output is None:
        message = (
            "Nobody says where the artifact goes. Set spec.output.uri, "
            "or have the platform's owner set the chart's output.uri"
        )
        visit.find(ConditionType.TRAINED, failed(Reason.OUTPUT_MISSING, message))
        return
    artifact: BaseArtifact | None = None
    if spec.backbone.from_transfer_model:
        resolved = base.resolve(visit, spec.backbone.from_transfer_model)
        if isinstance(resolved, Finding):
            visit.find(ConditionType.TRAINED, resolved)
            visit.again(LOOK_AGAIN_SECONDS * 2)
            return
        artifact = resolved
    number = current.number + 1 if current else 1
    job = training_job(
        visit.model,
        spec,
        run_request(
            run=visit.run_key,
            namespace=visit.namespace,
            name=visit.name,
            spec=spec,
            base=artifact,
            output_uri=output.uri,
            allow_named_weights=visit.settings.allow_named_weights,
            gpus=containers.gpus(containers.resources(spec.training.resources, visit.settings.trainer_resources)),
        ),
        output,
        visit.settings,
        number,
        spec_hash(spec),
    )
    refusal = visit.refusal(job)
    if refusal is not None:
        message = f"The API server refuses the training Job: {refusal.message.rstrip('.')}. It is tried again by itself"
        visit.find(ConditionType.TRAINED, failed(Reason.POD_NOT_CREATED, message))
        return
    stop(visit, attempts)
    visit.creations.append(job)
    visit.find(ConditionType.TRAINED, waiting(Reason.PENDING, "The training Job waits for its pod"))
    visit.training = TrainingStatus(run=visit.run_key, attempt=number)
    visit.again(LOOK_AGAIN_SECONDS)
