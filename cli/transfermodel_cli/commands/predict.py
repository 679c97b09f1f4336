"""`transfermodel predict`: ask a model about image files, wherever it is."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from transfermodel.errors import DataInvalid, ExitCode, NotReady, UsageError

from transfermodel_cli.completion import NameArgument
from transfermodel_cli.console import JsonOption, print_json, shown
from transfermodel_cli.names import program_name
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
    from transfermodel.predictions.answers import Answer
    from transfermodel.predictions.types import Prediction

FilesArgument = Annotated[
    list[str], typer.Argument(metavar="FILE", help="Images, folders of images, or patterns such as 'new/*.png'.")
]
OutOption = Annotated[
    Path | None, typer.Option("--out", metavar="FILE.csv", help="Write every label's probability to a CSV file, too.")
]


def predict(
    name: NameArgument,
    files: FilesArgument,
    out_file: OutOption = None,
    as_json: JsonOption = False,
    namespace: NamespaceOption = None,
    local: LocalOption = False,
    cluster: ClusterOption = False,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
    workspace: WorkspaceOption = None,
) -> int:
    """Ask a model about images: label, probability and a bar for each.

    The model's server on this machine is asked where one runs, else its artifact is used right here; a model that is
    not of this machine is asked in the cluster, whose ingress is found by itself. A model that is scaled to zero is
    woken. Exit status 1: some files have no answer; all others do.
    """
    from transfermodel.predictions.inputs import Failure, collect
    from transfermodel.predictions.table import check_writable, write_csv
    from transfermodel.predictions.types import Prediction

    from transfermodel_cli import answers

    if out_file is not None:
        check_writable(out_file)
    paths, missing = collect(files)
    if not paths:
        raise UsageError(f"{missing[0].file}: {missing[0].message}", "Name images, folders of images, or patterns.")
    target = choose(name, Place(namespace, context, kubeconfig, workspace, local, cluster))
    found, where = ask_local(target, paths) if isinstance(target, LocalTarget) else ask_server(target, paths)
    predictions = [answer for answer in found if isinstance(answer, Prediction)]
    failures = [*missing, *(answer for answer in found if isinstance(answer, Failure))]
    if out_file is not None:
        write_csv(out_file, predictions)
    if as_json:
        print_json(answers.to_wire(name, where, predictions, failures))
    else:
        answers.show(predictions, out_file)
    answers.explain(predictions, failures, where)
    return ExitCode.FAILED if failures else ExitCode.OK


def ask_local(target: LocalTarget, paths: Sequence[Path]) -> "tuple[list[Answer], str]":
    """Ask the server of this machine, else use the artifact in this process; return the answers and who gave them."""
    if target.model.server() is not None:
        return ask_server(target, paths)
    from transfermodel.predictions.answers import answer_files
    from transfermodel.predictions.client import ImagesRefused
    from transfermodel.result import Result

    from transfermodel_cli.answers import Counting

    version = target.model.current()
    if version is None:
        raise NotReady(
            f"{target.model.name} has no version yet: no run of it has succeeded.",
            f"See why with `{program_name()} status {target.model.name}`.",
        )
    result = Result(target.model, version)

    def ask(images: Sequence[bytes]) -> "list[Prediction]":
        try:
            return result.predict(list(images))
        except DataInvalid as error:
            raise ImagesRefused(str(error)) from error

    with Counting(len(paths)) as counting:
        found = answer_files(ask, paths, counting.add)
    return found, f"the artifact {shown(result.artifact)} in this process, as no server runs"


def ask_server(target: LocalTarget | ClusterTarget, paths: Sequence[Path]) -> "tuple[list[Answer], str]":
    """Ask a server; return the answers and where it is."""
    from transfermodel.predictions.answers import answer_files_at_once
    from transfermodel.predictions.client import Client

    from transfermodel_cli.answers import Counting

    endpoint = target.endpoint()
    with Counting(len(paths)) as counting, Client(endpoint) as client:
        found = answer_files_at_once(client.ask, paths, counting.add, counting.wake)
    return found, f"{endpoint.url}, {target.says}"
