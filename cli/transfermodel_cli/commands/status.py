"""`transfermodel status`: one line for each model, or one model and why it is not ready."""

from typing import TYPE_CHECKING, Annotated

import typer
from transfermodel.errors import ExitCode, TransferModelError

from transfermodel_cli.completion import model_names
from transfermodel_cli.console import JsonOption, notes, out, print_json
from transfermodel_cli.target import (
    ClusterOption,
    ContextOption,
    KubeconfigOption,
    LocalOption,
    LocalTarget,
    NamespaceOption,
    Place,
    WorkspaceOption,
    choose,
)

if TYPE_CHECKING:
    from transfermodel.cluster.types import Model

OptionalName = Annotated[
    str | None,
    typer.Argument(metavar="NAME", help="Name of the TransferModel; without it: all.", autocompletion=model_names),
]


def status(
    name: OptionalName = None,
    as_json: JsonOption = False,
    namespace: NamespaceOption = None,
    local: LocalOption = False,
    cluster: ClusterOption = False,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
    workspace: WorkspaceOption = None,
) -> int:
    """Show how models stand: stage, progress, accuracy, address, and why one is not ready.

    Without a name all models are listed, those of this machine and those of the cluster. With a name the exit status
    is 6 while the model is not ready.
    """
    place = Place(namespace, context, kubeconfig, workspace, local, cluster)
    return one(name, place, as_json) if name else everything(place, as_json)


def one(name: str, place: Place, as_json: bool) -> int:
    """Show one model."""
    from transfermodel.cluster.types import to_wire

    from transfermodel_cli.views import local, models

    target = choose(name, place)
    if isinstance(target, LocalTarget):
        model = local.glance(target.model)
    else:
        model = target.cluster.model(target.name, target.namespace)
    if as_json:
        print_json(to_wire(model))
    else:
        models.show_card(model, target.says)
    return ExitCode.OK if model.ready else ExitCode.NOT_READY


def everything(place: Place, as_json: bool) -> int:
    """Show all models of the place."""
    from transfermodel.cluster import is_configured
    from transfermodel.cluster.types import to_wire

    from transfermodel_cli.views import local, models

    found: list[Model] = []
    if not place.cluster_only:
        found += [local.glance(model) for model in place.open_workspace().models(place.namespace)]
    if place.cluster_only or (not place.local and is_configured()):
        try:
            found += place.connect().models(place.namespace)
        except TransferModelError as error:
            if place.cluster_only:
                raise
            notes().print(f"The cluster's models are not listed: {error.message}", markup=False, soft_wrap=True)
    if as_json:
        print_json({"models": to_wire(found)})
    elif found:
        models.show_table(found)
    else:
        out().print("There are no models yet. Train one: transfermodel run -f FILE", soft_wrap=True)
    return ExitCode.OK
