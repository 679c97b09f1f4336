"""`transfermodel doctor`: is this machine, and is the cluster, as they must be?"""

from typing import TYPE_CHECKING

from transfermodel.errors import ExitCode, TransferModelError

from transfermodel_cli.console import JsonOption, out, print_json
from transfermodel_cli.target import (
    ClusterOption,
    ContextOption,
    KubeconfigOption,
    LocalOption,
    NamespaceOption,
    Place,
    WorkspaceOption,
)

if TYPE_CHECKING:
    from transfermodel.doctor.findings import Finding

MARKS = {"ok": "[green]✓[/]", "warning": "[yellow]![/]", "error": "[red]✗[/]"}
HEADINGS = {"machine": "This machine", "cluster": "The cluster"}


def doctor(
    as_json: JsonOption = False,
    namespace: NamespaceOption = None,
    local: LocalOption = False,
    cluster: ClusterOption = False,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
    workspace: WorkspaceOption = None,
) -> int:
    """Check this machine and the cluster; each finding comes with its fix.

    The cluster is looked at when one is configured: versions, CRDs, the operator, Knative's settings, the ingress by a
    real request, GPUs, and in one namespace the storage credentials, quotas and image pulls. Nothing is changed.
    Exit status 6: something is wrong.
    """
    from transfermodel.cluster.types import to_wire
    from transfermodel.doctor.findings import is_well

    place = Place(namespace, context, kubeconfig, workspace, local, cluster)
    findings = [] if place.cluster_only else of_machine(place)
    if not place.local:
        findings += of_cluster(place)
    if as_json:
        print_json({"well": is_well(findings), "findings": to_wire(findings)})
    else:
        show(findings)
    return ExitCode.OK if is_well(findings) else ExitCode.NOT_READY


def of_machine(place: Place) -> "list[Finding]":
    """Look at this machine."""
    from transfermodel.doctor import machine

    return machine.judge(machine.observe(place.open_workspace().root))


def of_cluster(place: Place) -> "list[Finding]":
    """Look at the cluster; that none is configured is no fault where none was asked for."""
    from transfermodel.cluster import is_configured
    from transfermodel.cluster.health import read_health
    from transfermodel.doctor.cluster import judge
    from transfermodel.doctor.findings import about_cluster

    if not place.cluster_only and not is_configured():
        text = "none is configured; everything works on this machine without one"
        return [about_cluster("Kubernetes", "ok", text)]
    try:
        connected = place.connect()
        return judge(read_health(connected.api, place.namespace or connected.namespace))
    except TransferModelError as error:
        return [about_cluster("Kubernetes", "error", error.message.rstrip("."), error.remedy)]


def show(findings: "list[Finding]") -> None:
    """Print the findings, each with its fix below it."""
    part = None
    for finding in findings:
        if finding.part != part:
            part = finding.part
            out().print(f"[bold underline]{HEADINGS[part]}[/]")
        out().print(f"{MARKS[finding.level]} [bold]{finding.subject}[/] ", end="")
        out().print(finding.text, markup=False, soft_wrap=True)
        for remedy in finding.remedies:
            out().print(f"    → {remedy}", markup=False, soft_wrap=True, style="cyan")
    wrong = sum(finding.level == "error" for finding in findings)
    hints = sum(finding.level == "warning" for finding in findings)
    hint = f", {hints} to look at" if hints else ""
    out().print(f"\n{wrong} of {len(findings)} wrong{hint}." if wrong else f"\nAll is well{hint}.")
