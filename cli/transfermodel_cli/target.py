"""Which TransferModel is meant: one of this machine's workspace, or one of a cluster."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from transfermodel_cli.names import is_kubectl_plugin, program_name

if TYPE_CHECKING:
    from transfermodel.cluster import Cluster
    from transfermodel.modalities import Modality
    from transfermodel.predictions.types import Endpoint
    from transfermodel.workspace import LocalModel, Workspace

NamespaceOption = Annotated[
    str | None,
    typer.Option("-n", "--namespace", metavar="NAME", help="Namespace. Default: the kubeconfig's; here: any."),
]
ContextOption = Annotated[
    str | None, typer.Option("--context", metavar="NAME", help="Context of the kubeconfig: which cluster.")
]
KubeconfigOption = Annotated[
    Path | None, typer.Option("--kubeconfig", metavar="FILE", help="Kubeconfig file: which cluster.")
]
WorkspaceOption = Annotated[
    Path | None,
    typer.Option(
        "--workspace",
        metavar="DIR",
        help="Folder of this machine's models. Default: $TRANSFERMODEL_WORKSPACE, else ./.transfermodel",
    ),
]
LocalOption = Annotated[bool, typer.Option("--local", help="Look at this machine only.")]
ClusterOption = Annotated[bool, typer.Option("--cluster", help="Look at the cluster only.")]


@dataclass(frozen=True)
class Place:
    """Where the options say to look."""

    namespace: str | None = None
    context: str | None = None
    kubeconfig: Path | None = None
    workspace: Path | None = None
    local: bool = False
    cluster: bool = False

    def __post_init__(self) -> None:
        """Refuse options that contradict each other."""
        from transfermodel.errors import UsageError

        if self.local and self._names_cluster:
            raise UsageError("--local and a cluster were both asked for.", "Leave out one of them.")

    @property
    def _names_cluster(self) -> bool:
        return self.cluster or self.context is not None or self.kubeconfig is not None

    @property
    def cluster_only(self) -> bool:
        """The workspace is not looked at: a cluster was named, or kubectl was."""
        return self._names_cluster or (is_kubectl_plugin() and not self.local)

    def open_workspace(self) -> "Workspace":
        """Return this machine's models."""
        from transfermodel.workspace import Workspace

        return Workspace(self.workspace)

    def connect(self) -> "Cluster":
        """Return the cluster.

        Raises:
            Unreachable: none is configured.
        """
        from transfermodel.cluster import Cluster

        return Cluster.connect(self.kubeconfig, self.context)

    @property
    def flags(self) -> str:
        """The options of this place, to be repeated in a command that the user is told; begins with a space."""
        given = (("-n", self.namespace), ("--context", self.context), ("--kubeconfig", self.kubeconfig))
        return "".join(f" {flag} {value}" for flag, value in given if value is not None)


@dataclass(frozen=True)
class LocalTarget:
    """A model of this machine."""

    model: "LocalModel"

    @property
    def says(self) -> str:
        """Where it is, for people."""
        return f"on this machine ({self.model.folder})"

    def modality(self) -> "Modality":
        """Return what the model answers about.

        Raises:
            NotReady: it has no version yet.
        """
        from transfermodel.errors import NotReady

        server, version = self.model.server(), self.model.current()
        if version is None:
            raise NotReady(
                f"{self.model.name} has no version yet: no run of it has succeeded.",
                f"See why with `{program_name()} status {self.model.name}`.",
            )
        return server.modality if server else version.modality

    def endpoint(self) -> "Endpoint":
        """Return where it answers.

        Raises:
            NotReady: it is trained, and no server of it runs.
        """
        from transfermodel.errors import NotReady

        server = self.model.server()
        if server is None:
            raise NotReady(
                f"TransferModel {self.model.name!r} is not being served on this machine.",
                "Serve it: transfermodel run -f FILE --serve (nothing is trained again).",
            )
        return server.endpoint()


@dataclass(frozen=True)
class ClusterTarget:
    """A model of a cluster."""

    cluster: "Cluster"
    name: str
    namespace: str

    @property
    def says(self) -> str:
        """Where it is, for people."""
        return f"in namespace {self.namespace} of the cluster at {self.cluster.server}"

    def modality(self) -> "Modality":
        """Return what the model answers about.

        Raises:
            NotFound: there is no such TransferModel.
        """
        return self.cluster.modality(self.name, self.namespace)

    def endpoint(self) -> "Endpoint":
        """Return where it answers; finds the ingress itself.

        Raises:
            NotFound: there is no such TransferModel.
            NotReady: nothing serves it yet.
            Unreachable: no ingress answers for it.
        """
        return self.cluster.endpoint(self.name, self.namespace)


def choose(name: str, place: Place) -> LocalTarget | ClusterTarget:
    """Return the model that is meant: this machine's when it has one of that name, else the cluster's.

    Raises:
        NotFound: neither has it.
        Unreachable: a cluster was asked for, and none is configured.
    """
    from transfermodel.errors import NotFound

    if not place.cluster_only:
        workspace = place.open_workspace()
        if place.local:
            return LocalTarget(workspace.model(name, place.namespace))
        found = workspace.find(name, place.namespace)
        if found is not None:
            return LocalTarget(found)
        from transfermodel.cluster import is_configured

        if not is_configured():
            raise NotFound(
                f"There is no TransferModel {name!r} on this machine, and no cluster is configured.",
                f"{_known(workspace)}Train it with transfermodel run -f FILE, or name a cluster with --kubeconfig.",
            )
    cluster = place.connect()
    return ClusterTarget(cluster, name, place.namespace or cluster.namespace)


def _known(workspace: "Workspace") -> str:
    names = sorted(model.name for model in workspace.models())
    return f"Here are: {', '.join(names)}. " if names else ""
