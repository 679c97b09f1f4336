"""The TransferModel that a run starts from."""

from typing import Final

from transfermodel_operator.api import BaseArtifact, ConditionType, Reason, TransferModelSpec, TransferModelStatus
from transfermodel_operator.findings import Finding, failed, waiting
from transfermodel_operator.observed import Base, Manifest
from transfermodel_operator.reconcile.visit import Visit
from transfermodel_operator.runs.key import run_key
from transfermodel_operator.versions import Version, of_run, read_versions

STILL_COMING: Final = {
    Reason.BASE_NOT_FOUND,
    Reason.WAITING_FOR_BASE,
    Reason.UNSCHEDULABLE,
    Reason.VOLUME_NOT_READY,
    Reason.SECRET_NOT_FOUND,
}
"""A base with one of these may yet train by itself."""


def resolve(visit: Visit, name: str) -> BaseArtifact | Finding:
    """Return the artifact to start from, or why there is none (yet).

    It is the version that the base's present spec asks for, or, while that is not there, its newest.
    """
    cycle = find_cycle(visit)
    if cycle:
        message = (
            f"spec.backbone.fromTransferModel leads in a circle: {' -> '.join(cycle)}. "
            "Give one of them a backbone.name with weights"
        )
        return failed(Reason.BASE_CYCLE, message)
    base = visit.observed.bases[0] if visit.observed.bases else Base(name, None)
    if base.manifest is None or "deletionTimestamp" in base.manifest["metadata"]:
        message = (
            f"There is no TransferModel {name!r} in namespace {visit.namespace!r} to start from. "
            "Create it, or correct spec.backbone.fromTransferModel; the run then starts by itself"
        )
        return failed(Reason.BASE_NOT_FOUND, message)
    version = newest(base, base.manifest)
    if version is not None:
        return BaseArtifact(transfer_model=name, version=version.name, uri=version.uri, digest=version.digest)
    return without_version(name, base.manifest)


def newest(base: Base, manifest: Manifest) -> Version | None:
    """Return the version of the base's present spec, else its newest."""
    metadata = manifest["metadata"]
    versions = read_versions(base.controller_revisions, metadata["uid"])
    try:
        spec = TransferModelSpec.model_validate(manifest.get("spec") or {})
    except ValueError:
        return versions[-1] if versions else None
    key = run_key(metadata["namespace"], metadata["name"], spec)
    return of_run(versions, key) or (versions[-1] if versions else None)


def without_version(name: str, manifest: Manifest) -> Finding:
    """Tell whether a version of the base can be expected."""
    try:
        status = TransferModelStatus.model_validate(manifest.get("status") or {})
    except ValueError:
        status = TransferModelStatus()
    trained = next((c for c in status.conditions if c.type == ConditionType.TRAINED), None)
    current = trained is not None and trained.observed_generation == manifest["metadata"].get("generation")
    if trained is not None and current and trained.status == "False" and trained.reason not in STILL_COMING:
        message = (
            f"TransferModel {name!r}, which this one starts from, has failed ({trained.reason}): {trained.message} "
            "Once it has a version, this run starts by itself."
        )
        return failed(Reason.BASE_FAILED, message)
    return waiting(Reason.WAITING_FOR_BASE, f"Waiting for the first version of TransferModel {name!r} to start from")


def find_cycle(visit: Visit) -> list[str]:
    """Return the names of a circle, the first again at the end; [] when there is none."""
    path = [visit.name]
    following = visit.spec.backbone.from_transfer_model if visit.spec else None
    bases = {base.name: base for base in visit.observed.bases}
    while following:
        if following in path:
            return [*path[path.index(following) :], following]
        path.append(following)
        base = bases.get(following)
        backbone = ((base.manifest or {}).get("spec") or {}).get("backbone") or {} if base else {}
        following = backbone.get("fromTransferModel")
    return []
