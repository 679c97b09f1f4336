"""`transfermodel describe`: everything about one model, what is wrong first."""

from typing import TYPE_CHECKING

from transfermodel.errors import ExitCode

from transfermodel_cli.completion import NameArgument
from transfermodel_cli.console import JsonOption, out, print_json
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
    from transfermodel.workspace import LocalModel

LAST_LINES = 12


def describe(
    name: NameArgument,
    as_json: JsonOption = False,
    namespace: NamespaceOption = None,
    local: LocalOption = False,
    cluster: ClusterOption = False,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
    workspace: WorkspaceOption = None,
) -> int:
    """Show everything about one model: why it is not ready and what to do, its run, pods, versions and story.

    Exit status 6: the model is not ready.
    """
    from transfermodel.cluster.types import to_wire

    target = choose(name, Place(namespace, context, kubeconfig, workspace, local, cluster))
    if isinstance(target, LocalTarget):
        return describe_local(target.model, target.says, as_json)
    description = target.cluster.describe(target.name, target.namespace)
    if as_json:
        print_json(to_wire(description))
    else:
        from transfermodel_cli.views import description as view

        view.show(description, target.says)
    return ExitCode.OK if description.model.ready else ExitCode.NOT_READY


def describe_local(model: "LocalModel", where: str, as_json: bool) -> int:
    """Show a model of this machine: how it stands, its versions, and what the last run said last."""
    from transfermodel.cluster.logs import readable
    from transfermodel.cluster.types import to_wire

    from transfermodel_cli.log_files import tail
    from transfermodel_cli.views import local, models
    from transfermodel_cli.views.description import heading
    from transfermodel_cli.views.versions import show

    glance, versions = local.glance(model), local.versions(model)
    lines = [readable(line) for line in tail(model.log_file, LAST_LINES)] if not glance.ready else []
    if as_json:
        print_json({"model": to_wire(glance), "versions": to_wire(versions), "log": lines})
    else:
        models.show_card(glance, where)
        if versions:
            heading("Versions")
            show(versions)
        if lines:
            heading(f"Last lines of {model.log_file}")
            for line in lines:
                out().print(f"  {line}", markup=False, soft_wrap=True, style="dim")
    return ExitCode.OK if glance.ready else ExitCode.NOT_READY
