"""A result becomes a version, once."""

from collections.abc import Mapping

from transfermodel_operator.api import ConditionType, Reason
from transfermodel_operator.api.spec import Task
from transfermodel_operator.api.status import TrainingStatus
from transfermodel_operator.findings import Finding, done, failed, waiting
from transfermodel_operator.reconcile.visit import Visit
from transfermodel_operator.resources.revision_settings import FORMAT
from transfermodel_operator.runs.attempts import format_time
from transfermodel_operator.runs.interruptions import Interruptions
from transfermodel_operator.versions import Version, controller_revision, next_number
from transfermodel_operator.versions import record as make_version

DATA_REASONS = {
    Reason.DATA_NOT_FOUND,
    Reason.DATA_ACCESS_DENIED,
    Reason.DATA_INVALID,
    Reason.EMPTY_CLASS,
    Reason.TOO_FEW_CLASSES,
    Reason.CLASSES_DIFFER,
    Reason.TOO_MANY_UNREADABLE_FILES,
    Reason.UNSAFE_ARCHIVE,
}
SAMPLES: Mapping[Task, str] = {
    "ImageClassification": "images",
    "TextClassification": "texts",
    "AudioClassification": "recordings",
}
RECORDED = ("attempt", "startTime", "completionTime", "interruptions", "lastInterruptionTime")
"""What of status.training a version remembers."""


def record(visit: Visit) -> None:
    """Record the run's result as a ControllerRevision; settles DataReady, Trained and Evaluated."""
    outcome = visit.outcome
    spec, result = visit.spec, outcome.result if outcome is not None else None
    if visit.chosen is None and spec is not None and result is not None and visit.training is not None:
        training = visit.training.to_wire()
        training = {key: training[key] for key in RECORDED if key in training}
        version = make_version(
            next_number(visit.observed.controller_revisions),
            spec.task,
            result,
            training,
            visit.gpus,
            visit.settings.predictor() | {"format": FORMAT},
            format_time(visit.now),
        )
        visit.creations.append(controller_revision(visit.model, version))
        visit.versions.append(version)
        visit.chosen = version
    if visit.chosen is not None:
        describe_version(visit, visit.chosen)
    else:
        describe_absence(visit)


def describe_version(visit: Visit, version: Version) -> None:
    """Settle the conditions of a recorded run, from its record alone."""
    visit.training = TrainingStatus.model_validate({"run": version.run, "percent": 100} | version.training)
    result = version.result
    counts, split = result.get("counts") or {}, result.get("metricsSplit", "validation")
    skipped = f", {counts['skipped']} skipped" if counts.get("skipped") else ""
    warnings = "".join(f" {text}" for text in result.get("warnings") or [])
    visit.find(
        ConditionType.DATA_READY,
        done(
            Reason.SUCCEEDED,
            f"{counts.get('classes', '?')} classes; {SAMPLES[version.task]}: {counts.get('train', '?')} to train, "
            f"{counts.get('validation', 0)} to validate, {counts.get('test', 0)} to test{skipped}.{warnings}",
        ),
    )
    visit.find(ConditionType.TRAINED, done(Reason.SUCCEEDED, how_trained(visit, version)))
    accuracy = version.metrics.get("accuracy", "?")
    estimated = " (an estimate: there is no test set)" if result.get("estimated") else ""
    visit.find(ConditionType.EVALUATED, done(Reason.SUCCEEDED, f"Accuracy {accuracy} on the {split} set{estimated}"))


def how_trained(visit: Visit, version: Version) -> str:
    """Return how a version came about: where, by what strategy, and what ended its training before it was done."""
    result = version.result
    how = "found in storage, nothing was trained" if result.get("reused") else f"trained on {result.get('device', '?')}"
    if times := version.training.get("interruptions"):
        how += f", interrupted {Interruptions(times).times}"
    if visit.spec is not None and visit.spec.training.strategy == "Auto" and result.get("strategy"):
        how += f"; Auto chose {result['strategy']}"
    text = f"Training run {version.run[:8]} is {version.name}: {how}."
    if limit := result.get("budgetExceeded"):
        text += (
            f" {limit} ended it before it was done, so this is the best model until then. To train for longer, raise "
            "that and change spec.training.seed."
        )
    return text


def describe_absence(visit: Visit) -> None:
    """Settle what cannot be known before there is a version."""
    trained = visit.findings.setdefault(ConditionType.TRAINED, waiting(Reason.RECONCILING, "Not looked at yet"))
    visit.find(ConditionType.DATA_READY, data_finding(trained))
    visit.find(ConditionType.EVALUATED, waiting(Reason.PENDING, "Evaluated when training has ended"))


def data_finding(trained: Finding) -> Finding:
    """Return what a run's failure says about the data."""
    if trained.reason in DATA_REASONS:
        return failed(trained.reason, trained.message)
    return waiting(Reason.PENDING, "The training run checks the data")
