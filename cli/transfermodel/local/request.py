"""From a document to the trainer's request: relative paths become file:// URIs, and the base is looked up."""

from dataclasses import dataclass
from typing import Any, Final

from transfermodel_operator.api import BaseArtifact, RunRequest, TransferModelSpec
from transfermodel_operator.api.spec import Data
from transfermodel_operator.runs.key import run_key
from transfermodel_operator.runs.request import run_request

from transfermodel.documents import Document, is_local, local_path
from transfermodel.errors import DataInvalid, DocumentInvalid, NotFound
from transfermodel.workspace import LocalVersion, Workspace

SOURCES: Final = ("train", "validation", "test")
VOLUME: Final = "pvc://"
KEYS: Final = {
    "s3://": "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_ENDPOINT_URL",
    "gs://": "GOOGLE_SERVICE_ACCOUNT_KEY",
    "az://": "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
}
"""Where a store's keys come from on one machine: the environment."""


@dataclass(frozen=True)
class Prepared:
    """What the trainer is asked, and what the user wrote."""

    request: RunRequest
    written: dict[str, str]
    """URI of the request -> what the file says, where that differs: for messages."""
    notes: tuple[str, ...]
    """What of the file means nothing on one machine."""


def prepare(document: Document, workspace: Workspace) -> Prepared:
    """Return the request of a document.

    Raises:
        DocumentInvalid: spec.suspend is set.
        DataInvalid: a local file or folder is missing.
        NotFound: nothing of the workspace is called as spec.backbone.fromTransferModel says.
    """
    if document.spec.suspend:
        raise DocumentInvalid(
            f"{document.name} is not trained: spec.suspend is set.", "Remove `suspend: true` from the file."
        )
    written: dict[str, str] = {}
    request = run_request(
        run=run_key(document.namespace, document.name, document.spec),
        namespace=document.namespace,
        name=document.name,
        spec=with_absolute_uris(document, written),
        base=base_artifact(document, workspace),
        output_uri=workspace.artifacts.as_uri(),
        allow_named_weights=True,
    )
    return Prepared(request, written, unused(document.spec))


def with_absolute_uris(document: Document, written: dict[str, str]) -> TransferModelSpec:
    """Return the spec with file:// URIs in place of paths; fills `written`."""
    spec = document.spec

    def absolute(uri: str, field: str) -> str:
        if uri.startswith(VOLUME):
            raise DataInvalid(
                f"{field}: {uri} is a volume of a cluster, which this machine has not.",
                "Write the path of a folder of this machine, relative to the YAML file.",
            )
        if not is_local(uri):
            return uri
        path = local_path(uri, document.folder).resolve()
        if not path.exists():
            raise DataInvalid(
                f"{field}: there is no {path}.",
                "Create it or correct the path; relative paths begin at the folder of the YAML file.",
            )
        written[path.as_uri()] = as_written(document, field) or uri
        return path.as_uri()

    data: dict[str, object] = {}
    for name in SOURCES:
        source = getattr(spec.data, name)
        if source is not None:
            data[name] = source.model_copy(update={"uri": absolute(source.uri, f"spec.data.{name}.uri")})
    update: dict[str, object] = {"data": spec.data.model_copy(update=data)}
    weights = spec.backbone.weights
    if weights is not None and weights.uri is not None:
        uri = absolute(weights.uri, "spec.backbone.weights.uri")
        update["backbone"] = spec.backbone.model_copy(update={"weights": weights.model_copy(update={"uri": uri})})
    return spec.model_copy(update=update)


def as_written(document: Document, field: str) -> str | None:
    """Return a field as the file has it, such as spec.data.train.uri; None: it is not in the file."""
    value: Any = document.manifest
    for key in field.split("."):
        value = value.get(key) or {}
    return str(value) if value else None


def base_artifact(document: Document, workspace: Workspace) -> BaseArtifact | None:
    """Return the version to start from, if the document starts from one. Raises NotFound."""
    name = document.spec.backbone.from_transfer_model
    if name is None:
        return None
    model = workspace.find(name, document.namespace)
    version = None if model is None else model.current()
    if version is None:
        raise NotFound(
            f"{document.name} starts from {name!r}, which has no version in {workspace.root}.",
            f"Put {name!r} into the same file, or train it first: transfermodel run -f FILE.",
        )
    check_present(name, version)
    return BaseArtifact(transfer_model=name, version=version.name, uri=version.uri, digest=version.digest)


def check_present(name: str, version: LocalVersion) -> None:
    """Raise NotFound when a version's artifact was deleted."""
    if not (version.folder / "manifest.json").is_file():
        raise NotFound(
            f"The artifact of {name} {version.name} is gone: {version.folder}.",
            f"Train {name} again: transfermodel run -f FILE.",
        )


def unused(spec: TransferModelSpec) -> tuple[str, ...]:
    """Return a sentence about the fields that are set and mean nothing on one machine; nothing when there are none."""
    training = spec.training
    fields = {
        "spec.output": spec.output,
        "spec.data.credentialsSecretName": spec.data.credentials_secret_name,
        "spec.training.interruptible": training.interruptible or None,
        "spec.training.budget.gpuSeconds": training.budget.gpu_seconds if training.budget else None,
        "spec.training.resources": training.resources,
        "spec.training.nodeSelector": training.node_selector,
        "spec.training.tolerations": training.tolerations,
        "spec.training.priorityClassName": training.priority_class_name,
        "spec.training.serviceAccountName": training.service_account_name,
    }
    names = [name for name, value in fields.items() if value is not None]
    if not names:
        return ()
    here = ["artifacts go into the workspace"] if spec.output else []
    if training.interruptible:
        here.append("a run that is interrupted goes on when it is run again")
    here += [f"keys for {scheme} come from {keys}" for scheme, keys in KEYS.items() if reads(spec.data, scheme)]
    why = f": {', and '.join(here)}" if here else ""
    return (f"Only a cluster uses {', '.join(names)}{why}.",)


def reads(data: Data, scheme: str) -> bool:
    """Tell whether any of the data is in a store of that kind."""
    return any(
        source is not None and source.uri.startswith(scheme) for source in (data.train, data.validation, data.test)
    )
