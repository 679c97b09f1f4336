"""`transfermodel plan`: what a run would find, cost and lack, before anything is spent."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from transfermodel.errors import ExitCode, Unreachable

from transfermodel_cli.console import JsonOption, notes, out, print_json
from transfermodel_cli.options import FileOption
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
    from transfermodel.cluster import Cluster
    from transfermodel.planning import Advice, InCluster, Plan

BAR = 24
MOST_CLASSES = 20
ROLES = ("train", "validation", "test")


def plan(
    file: FileOption,
    workspace: WorkspaceOption = None,
    namespace: NamespaceOption = None,
    local: LocalOption = False,
    cluster: ClusterOption = False,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
    as_json: JsonOption = False,
) -> int:
    """Say what a run would find, how long it would take, and what is missing, before anything is spent.

    The data of this machine is read (of a bucket only the listing), a few batches are computed to estimate time and
    memory, and a cluster, when one is configured, is asked what it lacks. Nothing is downloaded, trained or written.

    Exit status: 0 it runs, 3 it will not run.
    """
    place = Place(namespace, context, kubeconfig, workspace, local, cluster)
    with notes().status("Looking at the data and computing a few batches …"):
        plans = look(file, place)
    runs = [runs_where_asked(each, place) for each in plans]
    if as_json:
        print_json({"runs": all(runs), "models": [each.to_wire() for each in plans]})
    else:
        for each, fine in zip(plans, runs, strict=True):
            show(each, fine, place)
    return ExitCode.OK if all(runs) else ExitCode.INVALID


def look(file: Any, place: Place) -> "list[Plan]":
    """Return the plans; a cluster that was not asked for and does not answer is left out, with a word."""
    from transfermodel.planning import plan as make

    workspace = place.open_workspace()
    try:
        return make(file, workspace, cluster=chosen_cluster(place), namespace=place.namespace)
    except Unreachable as error:
        if place.cluster_only:
            raise
        notes().print(f"[dim]The cluster was left out: {error.message}[/]", soft_wrap=True)
        return make(file, workspace)


def chosen_cluster(place: Place) -> "Cluster | None":
    """Return the cluster that is to be asked: one that was named, or else the configured one, if there is one."""
    from transfermodel.cluster import is_configured

    if place.cluster_only or (not place.local and is_configured()):
        return place.connect()
    return None


def runs_where_asked(plan: "Plan", place: Place) -> bool:
    """Tell whether a TransferModel runs where the options say; either place will do where they say nothing."""
    there = bool(plan.runs_in_the_cluster)
    if place.cluster_only:
        return there
    return plan.runs_here or (there and not place.local)


def show(plan: "Plan", fine: bool, place: Place) -> None:
    """Print a plan: first whether it runs, then why."""
    show_verdict(plan, fine, place)
    if not place.cluster_only or not plan.obstacles:
        if plan.survey.get("sources"):
            show_data(plan.survey["sources"])
        show_cost(plan)
        show_advice(plan.advice)
    if plan.cluster is not None:
        show_cluster(plan.cluster)
    out().print()


def show_verdict(plan: "Plan", fine: bool, place: Place) -> None:
    """Print the first line: runs, or will not run because."""
    from rich.markup import escape
    from transfermodel.planning.judging import duration, size

    name = f"[bold]{escape(plan.name)}[/]"
    if plan.unchanged and not place.cluster_only:
        say(f"[bold green]✓[/] {name} is trained already: nothing changed since {plan.unchanged}.")
        return
    where = [
        words
        for words, runs in (
            ("on this machine", plan.runs_here and not place.cluster_only),
            ("in the cluster", plan.runs_in_the_cluster),
        )
        if runs
    ]
    if fine:
        cost = ""
        if plan.estimate and plan.runs_here and not place.cluster_only:
            cost = f", here in about {duration(plan.estimate['seconds']['total'])}"
            cost += f" and with {size(plan.estimate['memoryBytes'])} of memory"
        say(f"[bold green]✓[/] {name} runs {' and '.join(where)}{cost}.")
    for place_name, reasons in reasons_against(plan, place):
        mark = "[yellow]![/]" if fine else "[bold red]✗[/]"
        say(f"{mark} {name} will not run {place_name}, because:")
        show_advice(reasons, mark="[red]✗[/]")


def reasons_against(plan: "Plan", place: Place) -> "list[tuple[str, Sequence[Advice]]]":
    """Return why it will not run, by place."""
    found: list[tuple[str, Sequence[Advice]]] = []
    if plan.obstacles and not place.cluster_only:
        found.append(("on this machine", plan.obstacles))
    lacks = plan.no_cluster or (plan.cluster.lacks if plan.cluster else ())
    if lacks:
        found.append(("in the cluster" if plan.cluster else "in a cluster", lacks))
    return found


def show_data(sources: list[dict[str, Any]]) -> None:
    """Print the samples by class and split, with bars for the first split that has classes."""
    from rich.table import Table
    from rich.text import Text

    by_role = {source["role"]: source for source in sources}
    roles = [role for role in ROLES if role in by_role]
    counts = {role: {each["label"]: each["count"] for each in by_role[role]["classes"]} for role in roles}
    labels = list(dict.fromkeys(label for role in roles for label in counts[role]))
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    table.add_column(f"  {len(labels)} classes" if labels else "  data")
    table.add_column("")
    for role in roles:
        table.add_column(role, justify="right")
    most = max((count for role in roles[:1] for count in counts[role].values()), default=0)
    for label in labels[:MOST_CLASSES]:
        count = counts[roles[0]].get(label, 0)
        bar = "█" * max(1 if count else 0, round(BAR * count / most)) if most else ""
        cells = [str(counts[role].get(label, 0)) for role in roles]
        table.add_row(Text(f"  {label}"), Text(bar, style="cyan"), *cells)
    if len(labels) > MOST_CLASSES:
        table.add_row(f"  and {len(labels) - MOST_CLASSES} more", "")
    totals = ["?" if by_role[role]["samples"] is None else str(by_role[role]["samples"]) for role in roles]
    table.add_row("  all", "", *totals, style="dim")
    out().print(table)


def show_cost(plan: "Plan") -> None:
    """Print time and memory with what they are based on, and downloads."""
    from transfermodel.planning.judging import duration, size

    if plan.estimate:
        estimate = plan.estimate
        phases = ", ".join(
            f"{phase.lower()} {duration(seconds)}"
            for phase, seconds in estimate["seconds"].items()
            if phase != "total" and seconds >= 0.5
        )
        say(f"  [dim]time[/]       about {duration(estimate['seconds']['total'])}: {phases}")
        gpu = f", {size(estimate['gpuMemoryBytes'])} on the GPU" if estimate.get("gpuMemoryBytes") else ""
        say(f"  [dim]memory[/]     about {size(estimate['memoryBytes'])}{gpu}")
        left_out = f"; without {', '.join(estimate['unknown'])}" if estimate["unknown"] else ""
        threads = f"{estimate['device']}, {estimate['threads']} threads"
        say(f"  [dim]basis[/]      {estimate['measured']}, just now on {threads}; the rest is arithmetic{left_out}")
    elif plan.no_estimate and not plan.unchanged:
        from rich.markup import escape

        say(f"  [dim]time[/]       {escape(plan.no_estimate)}")
    if plan.survey.get("sources") and not plan.unchanged:
        from rich.markup import escape

        parts = [
            f"{each.what} ({'size unknown' if each.bytes is None else size(each.bytes)})" for each in plan.downloads
        ]
        say(f"  [dim]downloads[/]  {escape('; '.join(parts)) or 'nothing'}")


def show_cluster(found: "InCluster") -> None:
    """Print what a cluster has and lacks."""
    from rich.markup import escape

    say(f"  [bold]Cluster[/] {escape(found.server)}, namespace {escape(found.namespace)}")
    for has in found.has:
        say(f"  [green]✓[/] {escape(has)}")
    show_advice(found.lacks, mark="[red]✗[/]")
    show_advice(found.advice)
    for unknown in found.unknown:
        say(f"  [dim]? {escape(unknown)}[/]")


def show_advice(advice: "Sequence[Advice]", mark: str = "[yellow]![/]") -> None:
    """Print sentences, each with its remedy."""
    from rich.markup import escape

    for each in advice:
        say(f"  {mark} {escape(each.message)}")
        if each.remedy:
            say(f"    [dim]→ {escape(each.remedy)}[/]")


def say(line: str) -> None:
    """Print a line of rich's markup; long ones are the terminal's to wrap, so that commands can be copied."""
    out().print(line, soft_wrap=True)
