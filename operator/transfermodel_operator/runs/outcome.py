"""What an attempt has come to."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from pydantic import ValidationError

from transfermodel_operator.api import FailureClass, Reason, RunFailure, RunProgress, RunResult
from transfermodel_operator.api.run import EXIT_USER_ERROR
from transfermodel_operator.findings import Finding, failed, sentence, waiting
from transfermodel_operator.observed import Manifest
from transfermodel_operator.resources.names import TRAINER_CONTAINER
from transfermodel_operator.resources.training_job import BACKOFF_LIMIT, EXIT_KILLED, MAX_INTERRUPTIONS
from transfermodel_operator.runs import pods
from transfermodel_operator.runs.attempts import Attempt, format_time, parse_time
from transfermodel_operator.runs.interruptions import Interruptions

RETRY: Final = "To try again, correct the spec, or change the annotation transferlearning.dev/run-requested"
PULL_GRACE: Final = timedelta(seconds=10)
"""A pod that prepares for longer than this is worth a word."""
FIRST_BACKOFF: Final = timedelta(minutes=1)
LONGEST_BACKOFF: Final = timedelta(hours=1)


@dataclass(frozen=True)
class Outcome:
    """What an attempt has come to: a result, a failure, or neither yet."""

    finding: Finding
    result: RunResult | None = None
    ended_at: str | None = None
    over: bool = False
    """No pod of this attempt will run any more."""
    lost: bool = False
    """It succeeded, but its result went with its pod; storage still has it, so another attempt only fetches it."""
    retry_at: datetime | None = None
    """When the operator tries again by itself."""
    exhausted: bool = False
    """The cluster took its pods away too often: the Job must be stopped."""
    pod: str | None = None
    """The training pod that runs now."""


def backoff(attempt: int) -> timedelta:
    """Return how long to wait after a storage error: 1 min, doubled with every attempt, at most 1 h."""
    return min(LONGEST_BACKOFF, FIRST_BACKOFF * int(2 ** min(attempt - 1, 10)))


def judge(attempt: Attempt, interruptions: Interruptions, warning: str | None, now: datetime) -> Outcome:
    """Return what an attempt has come to, given the Job controller's last warning about it."""
    succeeded = next((o for pod in attempt.pods if (o := read_result(pod, attempt)) is not None), None)
    if succeeded is not None:
        return succeeded
    if attempt.stopped or interruptions.count >= MAX_INTERRUPTIONS:
        times = interruptions.times if interruptions.count else "too often"  # a wiped status knows of none
        message = (
            f"The training pod was taken away {times} (eviction, preemption, drained nodes); its last checkpoint is "
            f"kept. {RETRY}"
        )
        return Outcome(failed(Reason.RUN_FAILED, message), over=attempt.stopped, exhausted=not attempt.stopped)
    if attempt.complete:
        again = None if attempt.number == 1 else (attempt.ended_at or now) + backoff(attempt.number - 1)
        finding = waiting(Reason.RETRYING, "The run succeeded, but its pod is gone; its result is fetched from storage")
        return Outcome(finding, over=True, lost=True, retry_at=again)
    if attempt.final is not None:
        return judge_failed(attempt)
    return judge_active(attempt, interruptions, warning, now)


def judge_failed(attempt: Attempt) -> Outcome:
    """Return the failure of a Job that has failed."""
    final = attempt.final or {}
    ended = str(final.get("lastTransitionTime", ""))
    pod = next((pod for pod in reversed(attempt.pods) if pods.terminated(pod, TRAINER_CONTAINER)), None)
    if pod is None:
        message = f"The training Job failed: {sentence(final.get('message', ''))} {RETRY}"
        return Outcome(failed(Reason.RUN_FAILED, message), ended_at=ended, over=True)
    failure = read_failure(pod)
    if failure.failure is FailureClass.STORAGE and attempt.ended_at:
        again = attempt.ended_at + backoff(attempt.number)
        message = f"{sentence(failure.message)} The next attempt is at {format_time(again)}"
        return Outcome(failed(failure.reason, message), ended_at=ended, over=True, retry_at=again)
    message = failure.message
    if failure.failure is not FailureClass.USER:
        message = f"{sentence(message)} {RETRY}"
    return Outcome(failed(failure.reason, message), ended_at=ended, over=True)


def judge_active(attempt: Attempt, interruptions: Interruptions, warning: str | None, now: datetime) -> Outcome:
    """Return where a Job stands that may still start a pod, or has one."""
    waits = Outcome(waiting(Reason.PENDING, "The training Job waits for its pod"))
    if interruptions.count:
        message = (
            f"The training pod was taken away ({interruptions.times} so far); a new one goes on from its checkpoint"
        )
        waits = Outcome(waiting(Reason.RETRYING, message))
    if not attempt.pods:
        if warning:
            message = (
                f"The training pod is refused: {sentence(warning)} "
                "Ask for less in spec.training.resources, or have the namespace's quota or policy changed; "
                "it is then created by itself"
            )
            return Outcome(failed(Reason.POD_NOT_CREATED, message))
        return waits
    pod = attempt.pods[-1]
    if pods.is_disrupted(pod):
        return waits
    ended = pods.terminated(pod, TRAINER_CONTAINER)
    if ended:
        failure = read_failure(pod)
        counted = sum(not pods.is_disrupted(each) for each in attempt.pods)
        final = ended.get("exitCode") in (EXIT_USER_ERROR, EXIT_KILLED) or counted > BACKOFF_LIMIT
        message = failure.message if final else f"{sentence(failure.message)} The Job tries once more"
        return Outcome(failed(failure.reason, message))
    if "running" in (pods.container_status(pod, TRAINER_CONTAINER).get("state") or {}):
        name = str(pod["metadata"]["name"])
        again = f" from its checkpoint: it was interrupted {interruptions.times}" if interruptions.count else ""
        return Outcome(waiting(Reason.RUNNING, f"Training {again and 'goes on '}in pod {name}{again}"), pod=name)
    stuck = pods.waits(pod, TRAINER_CONTAINER, "spec.training")
    if stuck:
        return Outcome(stuck)
    created = parse_time(pod["metadata"]["creationTimestamp"])
    if now - created > PULL_GRACE and not interruptions.count:
        return Outcome(waiting(Reason.PULLING_IMAGE, "The node prepares the training pod: it pulls the image"))
    return waits


def read_result(pod: Manifest, attempt: Attempt) -> Outcome | None:
    """Return the success that a pod reports, or None."""
    ended = pods.terminated(pod, TRAINER_CONTAINER)
    if not ended or ended.get("exitCode") != 0:
        return None
    ended_at = str(ended.get("finishedAt", ""))
    try:
        result = RunResult.model_validate_json(ended.get("message") or "")
    except ValidationError:
        words = pods.last_words(ended.get("message")) or "it wrote nothing"
        message = f"The trainer ended without a result that can be read: {words}"
        return Outcome(
            failed(Reason.RUN_FAILED, f"{sentence(message)} {RETRY}"), ended_at=ended_at, over=attempt.final is not None
        )
    finding = waiting(Reason.RUNNING, "Training has ended")
    return Outcome(finding, result=result, ended_at=ended_at, over=True)


def read_failure(pod: Manifest) -> RunFailure:
    """Return the failure that a terminated pod reports, or what can be said in its place."""
    ended: dict[str, Any] = pods.terminated(pod, TRAINER_CONTAINER) or {}
    code = ended.get("exitCode")
    if ended.get("reason") == "OOMKilled":
        message = (
            "Training used more memory than it may. Raise spec.training.resources.limits.memory"
            f"{memory_limit(pod)}, or lower spec.training.fineTuning.batchSize or spec.backbone.input.size"
        )
        return RunFailure(failure=FailureClass.RUN, reason=Reason.OUT_OF_MEMORY, message=message)
    try:
        return RunFailure.model_validate_json(ended.get("message") or "")
    except ValidationError:
        pass
    killed = " (it was killed)" if code == EXIT_KILLED else ""
    words = pods.last_words(ended.get("message"))
    message = f"The trainer ended with code {code}{killed}" + (f", and its last words were: {words}" if words else "")
    return RunFailure(failure=FailureClass.RUN, reason=Reason.RUN_FAILED, message=message)


def memory_limit(pod: Manifest) -> str:
    """Return ` (now 4Gi)`, or nothing."""
    for container in (pod.get("spec") or {}).get("containers") or []:
        if container["name"] == TRAINER_CONTAINER:
            limit = ((container.get("resources") or {}).get("limits") or {}).get("memory")
            return f" (now {limit})" if limit else ""
    return ""


def read_progress(line: str | None) -> RunProgress | None:
    """Return the progress that a line of the log reports, or None: most lines are for people."""
    try:
        return RunProgress.model_validate(json.loads(line or "")["progress"])
    except (ValueError, KeyError, TypeError):
        return None
