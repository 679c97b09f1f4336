"""`transfermodel report`: open a version's report in a browser."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from transfermodel.errors import NotFound, UsageError

from transfermodel_cli.completion import NameArgument
from transfermodel_cli.console import JsonOption, notes, out, print_json
from transfermodel_cli.target import (
    ClusterOption,
    ClusterTarget,
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

REPORT = "report.html"

VersionOption = Annotated[
    str | None, typer.Option("--version", metavar="v2", help="Which version. Default: the one that serves, or newest.")
]
OutOption = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write the report to this file.")]
NoOpenOption = Annotated[bool, typer.Option("--no-open", help="Open no browser; only say where the report is.")]
EndpointOption = Annotated[
    str | None,
    typer.Option("--endpoint-url", metavar="URL", help="The S3 server as it is reached from here (a cluster's model)."),
]


def report(
    name: NameArgument,
    version: VersionOption = None,
    out_file: OutOption = None,
    no_open: NoOpenOption = False,
    endpoint_url: EndpointOption = None,
    as_json: JsonOption = False,
    namespace: NamespaceOption = None,
    local: LocalOption = False,
    cluster: ClusterOption = False,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Open the report of a model: data, learning curves, mistakes, and how to reproduce it. One file, no network.

    A cluster's report is read from the model's storage with the Secret that its pods use, if you may read that; a
    storage that only the cluster reaches is asked through the cluster.
    """
    target = choose(name, Place(namespace, context, kubeconfig, workspace, local, cluster))
    if isinstance(target, LocalTarget):
        file = local_report(target.model, version)
        if out_file is not None:
            write(out_file, file.read_bytes())
            file = out_file
    else:
        file = out_file or default_file(target)
        write(file, target.cluster.report(target.name, target.namespace, version, endpoint_url))
    if as_json:
        print_json({"name": name, "report": str(file.absolute())})
        return
    out().print(str(file.absolute()), markup=False, soft_wrap=True)
    if not no_open and out_file is None:
        open_in_browser(file)


def local_report(model: "LocalModel", wanted: str | None) -> Path:
    """Return the report of a version of this machine."""
    versions = {version.name: version for version in model.versions()}
    chosen = model.current() if wanted is None else versions.get(wanted)
    if chosen is None:
        there = f"There are: {', '.join(versions)}." if versions else "Train it: transfermodel run -f FILE"
        raise NotFound(f"Model {model.name!r} has no version{f' {wanted!r}' if wanted else ' yet'}.", there)
    file = chosen.folder / REPORT
    if not file.is_file():
        raise NotFound(
            f"The artifact of {chosen.name} has no {REPORT}: {chosen.folder}", "Was it deleted? Run the model again."
        )
    return file


def default_file(target: ClusterTarget) -> Path:
    """Return where a cluster's report is kept: the browser still reads it when this command has ended."""
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="transfermodel-report-"))
    return folder / f"{target.namespace}-{target.name}.html"


def write(file: Path, content: bytes) -> None:
    """Write the report."""
    try:
        file.write_bytes(content)
    except OSError as error:
        raise UsageError(
            f"The report cannot be written to {file}: {error.strerror}.", "Name another file with --out."
        ) from error


def open_in_browser(file: Path) -> None:
    """Open the file, where there is a screen; a browser in a terminal would be no help."""
    import webbrowser

    headless = sys.platform not in ("darwin", "win32") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or os.environ.get("BROWSER")
    )
    if headless or not webbrowser.open(file.absolute().as_uri()):
        notes().print("There is no browser here; open that file where there is one.", soft_wrap=True)
