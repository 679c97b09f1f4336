"""`transfermodel run`: train on this machine, and serve."""

from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer
from transfermodel.errors import ExitCode, TransferModelError, UsageError

from transfermodel_cli.console import JsonOption, notes, out, print_json, shown
from transfermodel_cli.names import program_name
from transfermodel_cli.options import FileOption
from transfermodel_cli.target import WorkspaceOption

if TYPE_CHECKING:
    from transfermodel.documents import Document
    from transfermodel.local import Trained
    from transfermodel.predictions.types import Endpoint
    from transfermodel.workspace import LocalModel, Workspace

DEFAULT_PORT = 8080

NameOption = Annotated[
    str | None,
    typer.Option("--name", metavar="NAME", help="Run this TransferModel of the file (and what it starts from) alone."),
]
ServeOption = Annotated[bool, typer.Option("--serve", help="Serve the model afterwards, until Ctrl-C.")]
PortOption = Annotated[
    int | None,
    typer.Option(
        "--port", metavar="N", min=1, max=65535, help="Port on 127.0.0.1. Default: 8080, or the next one that is free."
    ),
]
GrpcPortOption = Annotated[
    int | None,
    typer.Option(
        "--grpc-port",
        metavar="N",
        min=1,
        max=65535,
        help="Port on 127.0.0.1 for gRPC too. Default: gRPC is not spoken.",
    ),
]


def run(
    file: FileOption,
    serve: ServeOption = False,
    port: PortOption = None,
    grpc_port: GrpcPortOption = None,
    workspace: WorkspaceOption = None,
    name: NameOption = None,
    as_json: JsonOption = False,
) -> int:
    """Train on this machine, and serve with --serve.

    The same file trains in a cluster with `kubectl apply`; here trainer and predictor are plain processes. A run that
    was interrupted is resumed by the same command. Where nothing changed, nothing is trained again.

    Several TransferModels of a file are run one after the other, each after what it starts from; the last is served.
    """
    from transfermodel.documents import Target, in_order, load, with_bases
    from transfermodel.local.serving import check_grpc_port, checked_port
    from transfermodel.workspace import Workspace

    if port is not None and not serve:
        raise UsageError("--port goes with --serve.", "Add --serve, or leave --port out.")
    if grpc_port is not None and not serve:
        raise UsageError("--grpc-port goes with --serve.", "Add --serve, or leave --grpc-port out.")
    check_grpc_port(grpc_port, port or 0)
    if port is not None:
        checked_port(port)  # before anything is spent; whether it is still free is seen when it is served
    chosen = with_bases(in_order(load(file, Target.LOCAL)), name)
    models = Workspace(workspace)
    try:
        heard: set[str] = set()
        trained = [train(document, models, heard, as_json=as_json) for document in chosen]
    except KeyboardInterrupt:
        notes().print("Interrupted; the same command resumes.")
        return ExitCode.INTERRUPTED
    model = models.model(chosen[-1].name, chosen[-1].namespace)
    if serve:
        return serve_until_interrupted(chosen, model, trained, port, grpc_port, as_json=as_json)
    finish(chosen, model, trained, as_json=as_json)
    return ExitCode.OK


def train(document: "Document", models: "Workspace", heard: set[str], *, as_json: bool) -> "Trained":
    """Train one model, and say how good it became."""
    from transfermodel import local

    from transfermodel_cli.progress import TrainingView
    from transfermodel_cli.results import print_trained

    with TrainingView(document.name, heard) as view:
        trained = local.train(document, models, on_progress=view.on_progress, on_line=view.on_line)
    print_trained(notes() if as_json else out(), document.name, trained)
    return trained


def finish(chosen: "Sequence[Document]", model: "LocalModel", trained: "Sequence[Trained]", *, as_json: bool) -> None:
    """Say where everything is and what to do with it."""
    from transfermodel.predictions.types import Endpoint

    from transfermodel_cli import results

    last = chosen[-1]
    modality = trained[-1].version.modality
    endpoint = Endpoint(f"http://127.0.0.1:{DEFAULT_PORT}", None, last.name, modality)
    client = write_client(model, endpoint, last.file)
    if as_json:
        print_json(results.to_wire(chosen, trained, client, None))
        return
    results.print_files(trained[-1].version, client)
    program = program_name()
    out().print("\n[bold]Next[/]")
    results.print_rows(
        [
            ("serve it", f"{program} run -f {quote(str(last.file))} --serve"),
            ("ask it", f"{program} {results.asking(last.name, modality, results.example(last))}"),
            ("see where it errs", f"{program} report {last.name}"),
        ]
    )


def serve_until_interrupted(
    chosen: "Sequence[Document]",
    model: "LocalModel",
    trained: "Sequence[Trained]",
    port: int | None,
    grpc_port: int | None,
    *,
    as_json: bool,
) -> int:
    """Serve the last model in the foreground."""
    from transfermodel import local

    from transfermodel_cli import results

    last, version = chosen[-1], trained[-1].version
    try:
        with local.serve(
            version, model, port=port, grpc_port=grpc_port, precision=last.spec.serving.precision
        ) as server:
            client = write_client(model, server.endpoint(), last.file)
            if as_json:
                print_json(results.to_wire(chosen, trained, client, server.endpoint()))
            else:
                results.print_files(version, client)
                out().print(f"\n[bold]Serving {last.name} {version.name} at {server.url}[/]")
                if grpc_port is not None:
                    out().print(f"[bold]and over gRPC at {server.grpc_address}[/]")
                print_ways_to_ask(server.endpoint(), client, results.example(last))
            server.wait()
    except KeyboardInterrupt:
        notes().print("Stopped.")
        return ExitCode.INTERRUPTED
    raise TransferModelError(
        f"The server of {last.name} ended by itself.", f"See its last words with `transfermodel logs {last.name}`."
    )


def print_ways_to_ask(endpoint: "Endpoint", client: Path, example: str) -> None:
    """Print commands that work as they are in another terminal."""
    from transfermodel.predictions.client import curl

    from transfermodel_cli.results import asking, print_rows

    out().print("[bold]Ask it from another terminal[/]")
    print_rows(
        [
            ("command", f"{program_name()} {asking(endpoint.model, endpoint.modality, example)}"),
            ("Python", f"python {quote(shown(client))} {quote(example)}"),
            ("curl", curl(endpoint, example)),
        ]
    )
    notes().print("[dim]Ctrl-C stops it.[/]")


def write_client(model: "LocalModel", endpoint: "Endpoint", file: Path) -> Path:
    """Write a program that asks the model; return its path."""
    from transfermodel.predictions.client_file import client_file

    path = model.folder / "client.py"
    path.write_text(
        client_file(endpoint, f"Start the server: transfermodel run -f {quote(str(file))} --serve"), encoding="utf-8"
    )
    return path
