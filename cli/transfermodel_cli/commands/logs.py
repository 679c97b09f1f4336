"""`transfermodel logs`: what the trainer, the predictor or the operator says about a model."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer
from transfermodel.errors import NotFound, UsageError

from transfermodel_cli.completion import NameArgument
from transfermodel_cli.console import JsonOption, notes
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
    from transfermodel.cluster.logs import Program
    from transfermodel.workspace import LocalModel

FollowOption = Annotated[bool, typer.Option("--follow", "-f", help="Go on until the program ends.")]
PreviousOption = Annotated[bool, typer.Option("--previous", help="What it said before it was started again.")]
TailOption = Annotated[int | None, typer.Option("--tail", min=1, metavar="N", help="Only the last N lines.")]
RunOption = Annotated[bool, typer.Option("--run", help="The training run.")]
ServeOption = Annotated[bool, typer.Option("--serve", help="The predictor.")]
OperatorOption = Annotated[bool, typer.Option("--operator", help="The operator's lines on this model.")]


def logs(
    name: NameArgument,
    follow: FollowOption = False,
    previous: PreviousOption = False,
    tail: TailOption = None,
    of_run: RunOption = False,
    of_server: ServeOption = False,
    of_operator: OperatorOption = False,
    as_json: JsonOption = False,
    namespace: NamespaceOption = None,
    local: LocalOption = False,
    cluster: ClusterOption = False,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Print what the trainer says, or, once there is a version, the predictor.

    Reports of progress become readable lines; with --json every line is a JSON object as it comes.
    """
    from transfermodel.cluster.logs import Program, read_lines, readable

    chosen = {Program.TRAINER: of_run, Program.PREDICTOR: of_server, Program.OPERATOR: of_operator}
    programs = [program for program, wanted in chosen.items() if wanted]
    if len(programs) > 1:
        raise UsageError("--run, --serve and --operator were given together.", "Give one of them.")
    program = programs[0] if programs else None
    target = choose(name, Place(namespace, context, kubeconfig, workspace, local, cluster))
    lines: Iterable[str]
    if isinstance(target, LocalTarget):
        source, lines = local_lines(target.model, program, follow, tail)
    else:
        manifest = target.cluster.manifest(target.name, target.namespace)
        source, lines = read_lines(target.cluster.api, manifest, program, follow=follow, previous=previous, tail=tail)
    notes().print(f"{source}, {target.says}", style="dim", markup=False, soft_wrap=True)
    before = None
    for line in lines:
        shown = for_programs(line) if as_json else readable(line)
        # The trainer reports every two seconds, whether or not anything has changed.
        if shown != before:
            print(shown, flush=True)
        before = shown


def local_lines(
    model: "LocalModel", program: "Program | None", follow: bool, tail: int | None
) -> tuple[str, Iterable[str]]:
    """Return the log file of a model of this machine, and its lines."""
    from transfermodel.cluster.logs import Program

    from transfermodel_cli import log_files

    if program is Program.OPERATOR:
        raise UsageError("There is no operator on this machine.", "Give --run or --serve, or --cluster.")
    serves = program is Program.PREDICTOR
    file = model.server_log_file if serves else model.log_file
    if not file.is_file():
        what = "was not served" if serves else "was not trained"
        raise NotFound(f"Model {model.name!r} {what} on this machine yet.", "Start with: transfermodel run -f FILE")

    def goes_on() -> bool:
        if serves:
            return model.server() is not None
        run = model.last_run()
        return run is not None and run.state == "Running"

    return str(file), log_files.follow(file, goes_on) if follow else log_files.tail(file, tail)


def for_programs(line: str) -> str:
    """Return a line as a JSON object."""
    import json

    try:
        value = json.loads(line)
    except ValueError:
        value = None
    return json.dumps(value if isinstance(value, dict) else {"line": line}, ensure_ascii=False)
