"""TransferModels of one cluster: what a command asks about, and the answers as values."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from transfermodel.cluster import kinds
from transfermodel.cluster.api import Api
from transfermodel.cluster.kinds import Manifest
from transfermodel.cluster.reading import Reader, read_model, read_models, read_operators, read_surroundings
from transfermodel.cluster.surroundings import Surroundings
from transfermodel.cluster.types import Description, Model, VersionView
from transfermodel.errors import NotFound, NotReady
from transfermodel.modalities import IMAGE, MODALITIES, Modality
from transfermodel.predictions.types import Endpoint

REPORT: Final = "report.html"
"""In every artifact."""


class Cluster:
    """One cluster, seen with one user's rights. Nothing is ever written to it."""

    def __init__(self, api: Api) -> None:
        """Take the way to its API server."""
        self.api = api

    @classmethod
    def connect(cls, kubeconfig: Path | None = None, context: str | None = None) -> "Cluster":
        """Choose the cluster as kubectl does; it is not asked anything yet.

        Raises:
            Unreachable: None is configured.
        """
        return cls(Api.connect(kubeconfig, context))

    @property
    def server(self) -> str:
        """URL of the API server."""
        return self.api.server

    @property
    def namespace(self) -> str:
        """The namespace of the kubeconfig's context."""
        return self.api.namespace

    def manifest(self, name: str, namespace: str | None = None) -> Manifest:
        """Return a TransferModel as the API server has it.

        Raises:
            NotFound: There is none of that name.
        """
        return read_model(self.api, namespace or self.namespace, name)

    def surroundings(self, name: str, namespace: str | None = None, *, logs: bool = False) -> Surroundings:
        """Return everything around a TransferModel."""
        return read_surroundings(self.api, self.manifest(name, namespace), logs=logs)

    def model(self, name: str, namespace: str | None = None) -> Model:
        """Return a TransferModel at a glance, with the reason why it is not ready."""
        from transfermodel.cluster.models import glance

        return glance(self.surroundings(name, namespace), datetime.now(UTC))

    def models(self, namespace: str | None = None) -> list[Model]:
        """Return the TransferModels of a namespace at a glance, by name."""
        from transfermodel.cluster.models import glance

        manifests = read_models(self.api, namespace or self.namespace)
        operators = read_operators(Reader(self.api)) if manifests else None
        now = datetime.now(UTC)
        found = [glance(Surroundings(manifest, operators=operators), now) for manifest in manifests]
        return sorted(found, key=lambda model: (model.namespace, model.name))

    def describe(self, name: str, namespace: str | None = None) -> Description:
        """Return everything about a TransferModel, with the last words of its pods."""
        from transfermodel.cluster.description import describe

        return describe(self.surroundings(name, namespace, logs=True), datetime.now(UTC))

    def versions(self, name: str, namespace: str | None = None) -> list[VersionView]:
        """Return the versions of a TransferModel, oldest first."""
        from transfermodel_operator.resources.names import MODEL_LABEL

        from transfermodel.cluster.models import version_views

        model = self.manifest(name, namespace)
        labels = f"{MODEL_LABEL}={name}"
        recorded = self.api.list(kinds.CONTROLLER_REVISIONS, model["metadata"]["namespace"], labels=labels)
        return list(version_views(model, tuple(recorded)))

    def endpoint(self, name: str, namespace: str | None = None) -> Endpoint:
        """Return where a TransferModel answers: the ingress is found and asked; a model that sleeps wakes.

        Raises:
            NotFound: There is no such TransferModel.
            NotReady: Nothing serves it.
            Unreachable: No address of the ingress answers for it.
        """
        from transfermodel.cluster.ingress import find_endpoint

        manifest = self.manifest(name, namespace)
        url = (manifest.get("status") or {}).get("url")
        if not url:
            where = f"-n {manifest['metadata']['namespace']}"
            ready = self.model(name, namespace)
            why = ready.cause.message if ready.cause else "It is trained only: spec.serving.mode is None."
            raise NotReady(
                f"TransferModel {name!r} is not served yet: {why}", f"More: transfermodel describe {name} {where}"
            )
        return replace(find_endpoint(self.api, name, url), modality=modality_of(manifest))

    def modality(self, name: str, namespace: str | None = None) -> Modality:
        """Return what a TransferModel answers about.

        Raises:
            NotFound: There is no such TransferModel.
        """
        return modality_of(self.manifest(name, namespace))

    def report(
        self, name: str, namespace: str | None = None, version: str | None = None, endpoint: str | None = None
    ) -> bytes:
        """Return the report of a version, as HTML; default: the one that serves, else the newest.

        Raises:
            NotFound: There is no such version, or it has no report.
            Unreachable: Its storage does not answer.
        """
        from transfermodel.cluster.storage import read_credentials, read_object

        manifest = self.manifest(name, namespace)
        space = manifest["metadata"]["namespace"]
        chosen = choose_version(manifest, name, self.versions(name, namespace), version)
        around = Surroundings(manifest)
        if not (around.spec.get("output") or {}).get("uri"):
            around = Surroundings(manifest, operators=read_operators(Reader(self.api)))
        credentials = read_credentials(self.api, space, around.credentials("output"))
        return read_object(self.api, f"{chosen.uri}/{REPORT}", credentials, endpoint)


def modality_of(manifest: Manifest) -> Modality:
    """Return what a TransferModel answers about."""
    return MODALITIES.get((manifest.get("spec") or {}).get("task", ""), IMAGE)


def choose_version(manifest: Manifest, name: str, versions: list[VersionView], wanted: str | None) -> VersionView:
    """Return a version by its name; default: the one that serves, else the newest."""
    if not versions:
        raise NotFound(f"TransferModel {name!r} has no version yet.", f"Why: transfermodel describe {name}")
    live = ((manifest.get("status") or {}).get("serving") or {}).get("version")
    by_name = {version.name: version for version in versions}
    if wanted is None:
        return by_name.get(live or "", versions[-1])
    if wanted not in by_name:
        raise NotFound(f"TransferModel {name!r} has no version {wanted!r}.", f"There are: {', '.join(by_name)}.")
    return by_name[wanted]
