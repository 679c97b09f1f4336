"""`transfermodel versions`: what was trained, how good it is, and what serves."""

from transfermodel_cli.completion import NameArgument
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


def versions(
    name: NameArgument,
    as_json: JsonOption = False,
    namespace: NamespaceOption = None,
    local: LocalOption = False,
    cluster: ClusterOption = False,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """List a model's versions, newest first: state, accuracy with its interval, samples, digest, and where it lies."""
    from transfermodel.cluster.types import to_wire

    from transfermodel_cli.views import local as here
    from transfermodel_cli.views.versions import show

    target = choose(name, Place(namespace, context, kubeconfig, workspace, local, cluster))
    if isinstance(target, LocalTarget):
        found = here.versions(target.model)
    else:
        found = target.cluster.versions(target.name, target.namespace)
    if as_json:
        print_json({"name": name, "versions": to_wire(found)})
    elif found:
        show(found)
    else:
        out().print(f"{name} has no version yet.", markup=False)
    notes().print(target.says, style="dim", markup=False, soft_wrap=True)
