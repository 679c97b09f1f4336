"""Versions: immutable ControllerRevisions, one per recorded run."""

from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from transfermodel_operator.api import Int8Check, RunResult
from transfermodel_operator.api.spec import Task
from transfermodel_operator.observed import Manifest
from transfermodel_operator.resources import names


@dataclass(frozen=True)
class Version:
    """What the ControllerRevision of a version holds."""

    number: int
    run: str
    digest: str
    uri: str
    predictor: dict[str, Any] = field(hash=False)
    """What the version was made for, its format included: an operator upgrade changes nothing of it."""
    created_at: str
    result: dict[str, Any] = field(hash=False)
    """The RunResult as it was recorded; read leniently, as older operators may have written it."""
    training: dict[str, Any] = field(default_factory=dict, hash=False)
    """What of status.training is remembered: attempt, startTime, completionTime, interruptions."""
    gpus: int = 0
    """GPUs that the run was given."""
    task: Task = "ImageClassification"
    """What the model does; versions of before there was a choice do that."""

    @property
    def name(self) -> str:
        """v1, v2, …."""
        return names.version_name(self.number)

    @property
    def format(self) -> int:
        """How its InferenceService is built; versions of before there was a choice have the first."""
        return int(self.predictor.get("format", 1))

    @property
    def metrics(self) -> dict[str, str]:
        """Headline metrics."""
        return dict(self.result.get("metrics") or {})

    @property
    def int8(self) -> Int8Check | None:
        """What the trainer found out about it in 8-bit integers; None: nothing, or nothing that can be read."""
        try:
            return Int8Check.model_validate(self.result["int8"])
        except (KeyError, ValidationError):
            return None

    @property
    def training_seconds(self) -> float:
        """What the run took; nothing when a stored result was found."""
        return 0.0 if self.result.get("reused") else float((self.result.get("seconds") or {}).get("total", 0.0))

    @property
    def gpu_seconds(self) -> float:
        """The same, times GPUs."""
        return self.training_seconds * self.gpus


def record(
    number: int,
    task: Task,
    result: RunResult,
    training: dict[str, Any],
    gpus: int,
    predictor: dict[str, Any],
    created_at: str,
) -> Version:
    """Return the version that records a run."""
    return Version(
        number=number,
        run=result.run,
        digest=result.digest,
        uri=result.uri,
        predictor=predictor,
        created_at=created_at,
        result=result.to_wire(),
        training=training,
        gpus=gpus,
        task=task,
    )


def controller_revision(model: Manifest, version: Version) -> Manifest:
    """Return the object that records a version."""
    metadata = model["metadata"]
    name = metadata["name"]
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {
            "name": names.controller_revision_name(name, version.number),
            "namespace": metadata["namespace"],
            "labels": names.labels(
                name,
                **{
                    names.RUN_LABEL: names.short(version.run),
                    names.VERSION_LABEL: version.name,
                    names.DIGEST_LABEL: names.short(version.digest),
                },
            ),
            "ownerReferences": names.owner_references(model),
        },
        "revision": version.number,
        "data": {
            "task": version.task,
            "run": version.run,
            "digest": version.digest,
            "uri": version.uri,
            "predictor": version.predictor,
            "createdAt": version.created_at,
            "training": version.training,
            "gpus": version.gpus,
            "result": version.result,
        },
    }


def read_versions(controller_revisions: tuple[Manifest, ...], uid: str) -> list[Version]:
    """Return the versions of the TransferModel of this uid, oldest first."""
    versions = []
    for manifest in controller_revisions:
        if names.controller_uid(manifest) != uid:
            continue  # of an object of the same name that was deleted; the garbage collector is on its way
        data = manifest["data"]
        versions.append(
            Version(
                number=int(manifest["revision"]),
                run=data["run"],
                digest=data["digest"],
                uri=data["uri"],
                predictor=data["predictor"],
                created_at=data["createdAt"],
                result=data.get("result") or {},
                training=data.get("training") or {},
                gpus=int(data.get("gpus") or 0),
                task=data.get("task") or Version.task,
            )
        )
    return sorted(versions, key=lambda version: version.number)


def next_number(controller_revisions: tuple[Manifest, ...]) -> int:
    """Return a number that no version has, a deleted object's included: its name may still be taken."""
    return max((int(manifest["revision"]) for manifest in controller_revisions), default=0) + 1


def of_run(versions: list[Version], run: str | None) -> Version | None:
    """Return the version that records a run; with two (an operator was cut off just then) the older one."""
    return next((version for version in versions if version.run == run), None)
