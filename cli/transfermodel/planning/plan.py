"""A plan for each TransferModel of a file: the data, the cost, what is there already, what a cluster lacks."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from transfermodel_operator.api import RunRequest

from transfermodel.documents import Document, Target, check_text, in_order, is_local, load
from transfermodel.errors import NotFound, TransferModelError
from transfermodel.local.request import Prepared, prepare
from transfermodel.modalities import MODALITIES
from transfermodel.planning import children, judging
from transfermodel.planning.types import Advice, Download, Plan
from transfermodel.workspace import Workspace

if TYPE_CHECKING:
    from transfermodel.cluster import Cluster

REACHED_BY: Final = "/version"
"""Of an API server; everybody may ask for it."""


def plan(
    path: str | Path,
    workspace: Workspace | None = None,
    *,
    cluster: "Cluster | None" = None,
    namespace: str | None = None,
) -> list[Plan]:
    """Return the plans of a file's TransferModels, each base before what starts from it.

    Nothing is trained, downloaded or written; data of this machine is read, and a few batches are computed.

    Args:
        path: of the file; "-" is standard input.
        workspace: where versions may be already.
        cluster: to be asked what it lacks.
        namespace: in the cluster; default: the file's, else that of the kubeconfig's context.

    Raises:
        DocumentInvalid: the file is wrong.
        UsageError: the file cannot be read.
        Unreachable: the cluster does not answer.
    """
    if cluster is not None:
        cluster.api.json(REACHED_BY)  # before any time is spent
    documents = in_order(load(Path(path), Target.LOCAL))
    models = workspace or Workspace()
    plans = [plan_document(document, documents, models) for document in documents]
    if cluster is None:
        return plans
    names = [document.name for document in documents]
    return [
        _with_cluster(each, document, cluster, namespace, names)
        for each, document in zip(plans, documents, strict=True)
    ]


def _with_cluster(
    found: Plan, document: Document, cluster: "Cluster", namespace: str | None, with_it: list[str]
) -> Plan:
    """Return a plan with what a cluster says of it; one that no cluster takes is not asked about."""
    # Where paths are allowed the file is right, so what is left is what they mean to a cluster.
    refusals = check_text(json.dumps(document.manifest), document.file, Target.CLUSTER).errors
    if refusals:
        return replace(found, no_cluster=tuple(Advice(error.sentence, error.remedy) for error in refusals))
    from transfermodel.planning.cluster import in_cluster

    answer = in_cluster(cluster, document, namespace=namespace, with_it=with_it, estimate=found.estimate)
    return replace(found, cluster=answer)


def plan_document(document: Document, others: Sequence[Document], workspace: Workspace) -> Plan:
    """Return the plan of one TransferModel.

    Args:
        document: the TransferModel.
        others: those of its file, of which one may be what it starts from.
        workspace: where versions may be already.
    """
    modality = MODALITIES[document.spec.task]
    advice: list[Advice] = []
    try:
        prepared, stands_for_base = prepared_with_base(document, others, workspace)
    except TransferModelError as error:
        return Plan(document.name, document.namespace, (Advice(error.message, error.remedy),), (), None)
    advice += [Advice(note) for note in prepared.notes]
    if stands_for_base:
        advice.append(Advice(f"{stands_for_base} is trained first; this plan supposes that it was."))
    try:
        survey = children.survey(prepared.request)
    except TransferModelError as error:
        why = f"The data was not looked at: {error.message}."
        return Plan(document.name, document.namespace, (), (Advice(why, error.remedy),), None, no_estimate=why)
    obstacles = [Advice(_as_written(each["message"], prepared)) for each in survey["problems"]]
    obstacles += judging.too_unreadable(survey, modality)
    advice += judging.of_survey(survey, prepared.written, modality)
    unchanged = None if stands_for_base else _unchanged(document, prepared.request, survey, workspace)
    estimate, no_estimate = None, "Not estimated while the data is not right." if obstacles else ""
    if unchanged:
        no_estimate = "Nothing will be trained."
    elif not obstacles:
        estimate, no_estimate = _estimate(prepared.request, survey)
    if estimate is not None and estimate.get("problem"):
        obstacles.append(Advice(_as_written(estimate["problem"], prepared)))
        estimate = None
    if estimate is not None:
        advice += judging.of_estimate(estimate, document.spec)
    return Plan(
        document.name,
        document.namespace,
        tuple(obstacles),
        tuple(advice),
        unchanged,
        survey,
        estimate,
        no_estimate,
        tuple(_downloads(document, survey, estimate)) if not unchanged else (),
    )


def prepared_with_base(
    document: Document, others: Sequence[Document], workspace: Workspace
) -> tuple[Prepared, str | None]:
    """Return the run's request; where its base is not trained yet, with the base's backbone in the base's place."""
    try:
        return prepare(document, workspace), None
    except NotFound:
        base = next(
            (
                other
                for other in others
                if other.namespace == document.namespace and other.name == document.spec.backbone.from_transfer_model
            ),
            None,
        )
        if base is None:
            raise
    backbone = base.spec.backbone
    if document.spec.backbone.input is not None:
        backbone = backbone.model_copy(update={"input": document.spec.backbone.input})
    stand_in = replace(document, spec=document.spec.model_copy(update={"backbone": backbone}))
    prepared, _ = prepared_with_base(stand_in, others, workspace)
    return prepared, base.name


def _estimate(request: RunRequest, survey: dict[str, Any]) -> tuple[dict[str, Any] | None, str]:
    """Return the estimate, or why there is none."""
    counts = {source["role"]: source["samples"] for source in survey["sources"]}
    if counts.get("train") is None:
        return None, "How many samples the archive holds is known only after it was downloaded."
    classes = next(len(source["classes"]) for source in survey["sources"] if source["role"] == "train")
    wanted = {"classes": classes, "dataSeconds": survey["dataSeconds"]} | counts
    try:
        return children.estimate(request, {key: value for key, value in wanted.items() if value is not None}), ""
    except TransferModelError as error:
        return None, f"Time and memory were not estimated: {error.message}. {error.remedy}".strip()


def _unchanged(document: Document, request: RunRequest, survey: dict[str, Any], workspace: Workspace) -> str | None:
    """Return the version that was made of the same inputs by the same run."""
    model = workspace.find(document.name, document.namespace)
    if model is None or not survey["inputsDigest"]:
        return None
    same = [
        version.name
        for version in model.versions()
        if version.run == request.run
        and version.result.inputs_digest == survey["inputsDigest"]
        and (version.folder / "manifest.json").is_file()
    ]
    return same[-1] if same else None


def _downloads(document: Document, survey: dict[str, Any], estimate: dict[str, Any] | None) -> list[Download]:
    """Return what the run would fetch."""
    found = [
        Download(f"spec.data.{source['role']} {source['uri']}", source["bytes"])
        for source in survey["sources"]
        if not is_local(source["uri"])
    ]
    weights = document.spec.backbone.weights
    if weights is not None and weights.uri is not None and not is_local(weights.uri):
        found.append(Download(f"spec.backbone.weights {weights.uri}", survey["weightsBytes"]))
    named = (estimate or {}).get("download")
    if weights is not None and weights.name is not None and named and not named["cached"]:
        found.append(Download(named["what"], named["bytes"] or None))
    return found


def _as_written(message: str, prepared: Prepared) -> str:
    """Return a message with the URIs as the file has them."""
    for uri, written in prepared.written.items():
        message = message.replace(uri, written)
    return message
