"""`transfermodel validate`: every error at once, each in its place, before anything runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from transfermodel.errors import ExitCode, UsageError

from transfermodel_cli.console import JsonOption, notes, out, print_json, write

if TYPE_CHECKING:
    from transfermodel.documents import Finding, Verdict

FilesOption = Annotated[
    list[Path] | None,
    typer.Option("-f", "--file", metavar="FILE", help="File or folder; - reads stdin. May be given several times."),
]
FilesArgument = Annotated[list[Path] | None, typer.Argument(metavar="FILE", help="More files and folders.")]
PLACES = ("either", "local", "cluster", "both")
ForOption = Annotated[
    str,
    typer.Option(
        "--for",
        metavar="|".join(PLACES),
        help="Where the files have to run. either: it is enough that one of this machine and a cluster takes them.",
    ),
]


def validate(
    file: FilesOption = None, more: FilesArgument = None, place: ForOption = "either", as_json: JsonOption = False
) -> int:
    """Say everything that is wrong with TransferModel files, with line numbers and what to write instead.

    The rules are those of the cluster's API server. On this machine file:// and paths are allowed, too; a file with
    them is valid, and the output says that a cluster would not take it: --for cluster makes that an error.

    Exit status: 0 all files are valid, 3 one is not.
    """
    from transfermodel.documents import Wanted
    from transfermodel.documents import validate as judge

    files = [*(file or ()), *(more or ())]
    if not files:
        raise UsageError("No file was named.", "Name one: transfermodel validate -f FILE.")
    if place not in PLACES:
        raise UsageError(f"--for {place} is not known.", f"It is one of {', '.join(PLACES)}.")
    verdicts = judge(files, Wanted(place))
    valid = all(verdict.valid for verdict in verdicts)
    if as_json:
        print_json({"valid": valid, "files": [verdict.to_wire() for verdict in verdicts]})
    else:
        for verdict in verdicts:
            show(verdict)
    return ExitCode.OK if valid else ExitCode.INVALID


def show(verdict: "Verdict") -> None:
    """Print a verdict: errors as a compiler prints them, then one line for the file."""
    from rich.markup import escape

    for finding in verdict.errors:
        show_finding(finding, verdict.source)
    file = "stdin" if verdict.file == "-" else verdict.file
    if not verdict.valid:
        count = len(verdict.errors)
        notes().print(f"[bold red]✗[/] {escape(file)}: {count} {'error' if count == 1 else 'errors'}", soft_wrap=True)
        return
    names = ", ".join(document.name for document in verdict.documents)
    here, there = verdict.runs_here, verdict.runs_in_a_cluster
    places = "on this machine and in a cluster" if here and there else "on this machine" if here else "in a cluster"
    out().print(f"[bold green]✓[/] {escape(file)}: {escape(names)} can run {places}", soft_wrap=True)
    if verdict.obstacles:
        out().print(f"  [yellow]not {'in a cluster' if here else 'on this machine'}:[/]")
        for finding in verdict.obstacles:
            line = f"    {finding.line}:{finding.column} {finding.sentence} {finding.remedy}"
            write(out(), escape(line), style="dim")


def show_finding(finding: "Finding", source: tuple[str, ...]) -> None:
    """Print a finding with its line and a caret below its place."""
    from rich.markup import escape

    console = notes()
    write(console, f"[bold]{escape(finding.place)}[/] [red]error:[/] {escape(finding.sentence)}")
    if finding.line is not None and 0 < finding.line <= len(source):
        number = str(finding.line)
        line = source[finding.line - 1]
        # A tab before the place stays a tab, so that the caret stands below it.
        margin = "".join("\t" if each == "\t" else " " for each in line[: (finding.column or 1) - 1])
        console.print(f"  [dim]{number} |[/] {escape(line)}", soft_wrap=True)
        console.print(f"  [dim]{' ' * len(number)} |[/] {margin}[bold red]^[/]", soft_wrap=True)
    if finding.remedy:
        write(console, f"  [dim]→[/] {escape(finding.remedy)}")
