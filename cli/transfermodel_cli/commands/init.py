"""`transfermodel init`: a first file for a folder or a table of images, texts or recordings."""

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from transfermodel_cli.console import JsonOption, notes, out, print_json, shown, write
from transfermodel_cli.names import program_name

if TYPE_CHECKING:
    from transfermodel.starter import Started

FolderArgument = Annotated[
    Path,
    typer.Argument(
        metavar="DIR|FILE",
        help="Folder with one sub-folder per class; or a .csv or .jsonl that lists files or holds texts.",
    ),
]
OutOption = Annotated[Path | None, typer.Option("--out", "-o", metavar="FILE", help="Default: NAME.yaml, here.")]
NameOption = Annotated[
    str | None, typer.Option("--name", metavar="NAME", help="Of the TransferModel. Default: the folder's.")
]
ForceOption = Annotated[bool, typer.Option("--force", help="Write over a file that is there.")]
BaseOption = Annotated[
    str | None, typer.Option("--from", metavar="NAME", help="Start from this TransferModel's newest version.")
]
WeightsOption = Annotated[
    Path | None,
    typer.Option(
        "--weights",
        metavar="PATH",
        help="Start from a .safetensors file of torchvision's resnet18; of texts: the folder of an encoder.",
    ),
]
Task = Literal["ImageClassification", "TextClassification", "AudioClassification"]
"""That of the API, whose import would take longer than most commands."""
TaskOption = Annotated[
    Task | None,
    typer.Option(
        "--task", help="What to learn from, where there are samples of several kinds. Default: what there is."
    ),
]
ScratchOption = Annotated[bool, typer.Option("--scratch", help="Start from random weights.")]


def init(
    folder: FolderArgument,
    out_file: OutOption = None,
    name: NameOption = None,
    force: ForceOption = False,
    base: BaseOption = None,
    weights: WeightsOption = None,
    scratch: ScratchOption = False,
    task: TaskOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look at images, texts or recordings and write a commented TransferModel file that runs.

    What the samples are, they say themselves. Sub-folders, or tables, called train, validation and test are taken as
    such; of a table the columns are found by their names, or by what they hold. The start is what torchvision's
    resnet18 has learned from ImageNet (where that can be neither found nor downloaded the file trains from scratch,
    and says so), for texts the encoder all-MiniLM-L6-v2.
    """
    from transfermodel.starter import start

    started = start(
        folder, out=out_file, name=name, force=force, weights=weights, scratch=scratch, base=base, task=task
    )
    if as_json:
        print_json(started.to_wire())
    else:
        show(started)


def show(started: "Started") -> None:
    """Say what was found and what to do next."""
    from rich.markup import escape

    found = started.found
    test = f", {sum(found.counts['test'].values())} to test" if "test" in found.counts else ""
    file = shown(started.file)
    counted = f"{found.samples} {found.modality.many} in {len(found.labels)} classes{test}"
    out().print(f"[bold green]✓[/] [bold]{escape(file)}[/]: {counted}", soft_wrap=True)
    for note in (*found.notes, *([started.chosen.note] if started.chosen.note else [])):
        write(notes(), f"  [yellow]![/] {escape(note)}")
    program = program_name()
    out().print("\n[bold]Next[/]")
    for what, command in (
        ("what it takes", f"{program} plan -f {quote(file)}"),
        ("train and serve", f"{program} run -f {quote(file)} --serve"),
    ):
        out().print(f"  [dim]{what.ljust(15)}[/]  {escape(command)}", soft_wrap=True)
