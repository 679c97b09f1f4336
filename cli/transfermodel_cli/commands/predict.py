"""`transfermodel predict`: ask a model about images, texts or recordings, wherever it is."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from transfermodel.errors import DataInvalid, ExitCode, UsageError

from transfermodel_cli.completion import NameArgument
from transfermodel_cli.console import JsonOption, print_json, shown
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
    from transfermodel.predictions.inputs import Asked
    from transfermodel.predictions.types import Prediction

FilesArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="FILE",
        help="Images, recordings or text files, as the model takes; folders of them, or patterns such as 'new/*.png'. "
        "- is standard input: one file, or a text in each line.",
    ),
]
TextOption = Annotated[
    list[str] | None, typer.Option("--text", metavar="TEXT", help="A text to ask about; may be repeated.")
]
OutOption = Annotated[
    Path | None, typer.Option("--out", metavar="FILE.csv", help="Write every label's probability to a CSV file, too.")
]


def predict(
    name: NameArgument,
    files: FilesArgument = None,
    texts: TextOption = None,
    out_file: OutOption = None,
    as_json: JsonOption = False,
    namespace: NamespaceOption = None,
    local: LocalOption = False,
    cluster: ClusterOption = False,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
    workspace: WorkspaceOption = None,
) -> int:
    """Ask a model about images, texts or recordings: label, probability and a bar for each.

    The model's server on this machine is asked where one runs, else its artifact is used right here; a model that is
    not of this machine is asked in the cluster, whose ingress is found by itself. A model that is scaled to zero is
    woken. Exit status 1: some samples have no answer; all others do.
    """
    from transfermodel.predictions.inputs import Failure, collect, given_text
    from transfermodel.predictions.table import check_writable, write_csv
    from transfermodel.predictions.types import Prediction

    from transfermodel_cli import answers

    if out_file is not None:
        check_writable(out_file)
    if not files and not texts:
        raise UsageError("There is nothing to ask about.", "Name files or folders, or give texts with --text.")
    target = choose(name, Place(namespace, context, kubeconfig, workspace, local, cluster))
    modality = target.modality()
    if texts and modality.key != "text":
        raise UsageError(f"--text goes with a model of texts; {name} answers about {modality.many}.", "Name files.")
    asked, missing = collect(files or [], modality)
    asked += map(given_text, dict.fromkeys(texts or []))
    if not asked:
        first = f"{missing[0].file}: {missing[0].message}" if missing else "Standard input is empty."
        raise UsageError(first, f"Name {modality.many}, folders of {modality.many}, or patterns.")
    found, where = ask_local(target, asked) if isinstance(target, LocalTarget) else ask_server(target, asked)
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


def ask_local(target: LocalTarget, asked: "Sequence[Asked]") -> "tuple[list[Answer], str]":
    """Ask the server of this machine, else use the artifact in this process; return the answers and who gave them."""
    version = target.model.current()
    if target.model.server() is not None or version is None:
        return ask_server(target, asked)
    from transfermodel.predictions.answers import answer_all
    from transfermodel.predictions.client import SamplesRefused
    from transfermodel.result import Result

    from transfermodel_cli.answers import Counting

    result = Result(target.model, version)

    def ask(samples: Sequence[bytes]) -> "list[Prediction]":
        try:
            return result.predict(list(samples))
        except DataInvalid as error:
            raise SamplesRefused(str(error)) from error

    with Counting(len(asked)) as counting:
        found = answer_all(ask, asked, version.modality, counting.add)
    return found, f"the artifact {shown(result.artifact)} in this process, as no server runs"


def ask_server(target: LocalTarget | ClusterTarget, asked: "Sequence[Asked]") -> "tuple[list[Answer], str]":
    """Ask a server; return the answers and where it is."""
    from transfermodel.predictions.answers import answer_all_at_once
    from transfermodel.predictions.client import Client

    from transfermodel_cli.answers import Counting

    endpoint = target.endpoint()
    with Counting(len(asked)) as counting, Client(endpoint) as client:
        found = answer_all_at_once(client.ask, asked, endpoint.modality, counting.add, counting.wake)
    return found, f"{endpoint.url}, {target.says}"
