"""Everything about one model of a cluster, as text."""

from typing import TYPE_CHECKING

from transfermodel_cli.console import out
from transfermodel_cli.views import models, versions, words

if TYPE_CHECKING:
    from transfermodel.cluster.types import Description, PodView

MARKS = {"True": "[green]✓[/]", "False": "[red]✗[/]", "Unknown": "[yellow]…[/]"}
NOT_ASKED = "[dim]-[/]"
"""spec.serving.mode is None: the condition is False, and that is what was asked for."""


def show(description: "Description", where: str) -> None:
    """Print it: first what is wrong and what to do, then what that was read from."""
    models.show_card(description.model, where)
    for cause in description.causes[1:]:
        words.print_cause(out(), cause, heading="also")
    show_conditions(description)
    show_run(description)
    show_serving(description)
    if description.versions:
        heading("Versions")
        versions.show(description.versions)
    show_timeline(description)
    if description.unread:
        out().print(
            f"\nNot shown, as you may not see it: {', '.join(description.unread)}.", style="yellow", soft_wrap=True
        )


def heading(text: str) -> None:
    """Print a heading."""
    out().print(f"\n[bold underline]{text}[/]")


def show_conditions(description: "Description") -> None:
    """Print the conditions with their reasons in words."""
    heading("Conditions")
    if not description.conditions:
        out().print("  none yet: nobody has looked at it")
    # What was said above, or of the condition before, is not said again; Ready only repeats the others.
    said = {cause.message for cause in description.causes}
    for condition in description.conditions:
        outdated = ", of an earlier spec" if condition.outdated else ""
        mark = NOT_ASKED if condition.reason == "NotServed" else MARKS.get(condition.status, "?")
        out().print(f"  {mark} [bold]{condition.type:<10}[/]", end=" ")
        since = f", for {words.age(condition.since)}" if condition.since else ""
        out().print(f"{condition.words} ({condition.reason}{since}{outdated})", markup=False, soft_wrap=True)
        if condition.message not in ("", *said):
            said.add(condition.message)
            out().print(f"      {condition.message}", markup=False, soft_wrap=True, style="dim")


def show_run(description: "Description") -> None:
    """Print the newest training run with its pods."""
    run = description.run
    if run is None:
        return
    heading("Training run")
    job = f"Job {run.job}" if run.job else "its Job is gone"
    out().print(f"  {run.state}, attempt {run.attempt}, {job}, run {run.key[:8]}", markup=False, soft_wrap=True)
    if run.started_at:
        took = f", took {words.duration((run.ended_at - run.started_at).total_seconds())}" if run.ended_at else ""
        out().print(f"  started {words.clock(run.started_at)}{took}", markup=False)
    for pod in run.pods:
        show_pod(pod, {cause.message for cause in description.causes})


def show_serving(description: "Description") -> None:
    """Print what serves."""
    heading("Serving")
    serving = description.serving
    if serving.note:
        out().print(f"  {serving.note}", markup=False, soft_wrap=True)
    for revision in serving.revisions:
        mark = MARKS.get(revision.ready, "?")
        out().print(f"  {mark} {revision.version or '?'}: {revision.percent} % of the traffic, {revision.name}")
        if revision.ready == "False" and revision.message:
            out().print(f"      {revision.message}", markup=False, soft_wrap=True, style="dim")
    for pod in serving.pods:
        show_pod(pod, {cause.message for cause in description.causes})


def show_pod(pod: "PodView", said: set[str]) -> None:
    """Print a pod, what is wrong with it unless that was said, and its last words."""
    restarts = f", {pod.restarts} restarts" if pod.restarts else ""
    node = f" on {pod.node}" if pod.node else ""
    out().print(f"  pod {pod.name}: {pod.phase}{restarts}{node}", markup=False, soft_wrap=True)
    if pod.problem and not any(message.startswith(pod.problem.rstrip(".")) for message in said):
        out().print(f"      {pod.problem}", markup=False, soft_wrap=True, style="red")
    if pod.last_words and not pod.log:
        out().print(f"      last words: {pod.last_words}", markup=False, soft_wrap=True)
    if pod.log:
        out().print("      last lines of its log:", style="dim")
        for line in readable_lines(pod.log):
            out().print(f"        {line}", markup=False, soft_wrap=True, style="dim")


def readable_lines(log: tuple[str, ...]) -> list[str]:
    """Return log lines for people."""
    from transfermodel.cluster.logs import readable

    return [readable(line) for line in log]


def show_timeline(description: "Description") -> None:
    """Print what happened, oldest first."""
    heading("What happened")
    for moment in description.timeline:
        style = "yellow" if moment.warning else ""
        out().print(
            f"  {words.clock(moment.at)}  {moment.what}  [{moment.source}]", markup=False, soft_wrap=True, style=style
        )
