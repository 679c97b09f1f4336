"""The whole loop on real input: train, serve, scale to zero, wake. `python -m examples.digits.demo`, or `make demo`.

Safe to repeat: data that is there is not sent again, and a run that is recorded is not run again. It leaves it all up.
"""

import shlex
import sys
import time
from pathlib import Path

import numpy as np
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from examples.digits import baselines, comparison, dataset, predictions, storage
from examples.digits.cluster import REPOSITORY, Cluster, Manifest
from examples.digits.dataset import Digits, Files
from examples.digits.errors import DemoError
from examples.digits.pictures import picture
from examples.digits.predictions import Endpoint
from examples.digits.watching import wait_until_ready

NAMESPACE = "demo"
YAML_FILES = ("base.yaml", "digits.yaml", "scratch.yaml")
HERE = Path(__file__).parent
LEFT_BEHIND = REPOSITORY / "build" / "demo"
SHOWN_PER_CLASS = 2
PLAIN_WIDTH = 130
PICTURE_WIDTH = 16
ZERO_PODS_SECONDS = 300
"""Knative's own defaults let a pod go after 90 s without requests; the devcluster after about 15."""
TOLERANCE = 0.005
"""By how much the served accuracy may differ from the reported one: what the trainer, too, allows its export."""


def main() -> int:
    """Run the demo; return the exit status."""
    console = make_console()
    cluster: Cluster | None = None
    try:
        cluster = Cluster.discover()
        run(cluster, console)
    except DemoError as error:
        console.print("\nThe demo failed.", style="bold red")
        console.print(str(error), markup=False, soft_wrap=True)
        if cluster is not None:
            what_to_look_at(cluster, console)
        return 1
    except KeyboardInterrupt:
        console.print("\nInterrupted. Everything goes on in the cluster; running the demo again picks it up there.")
        return 130
    return 0


def make_console() -> Console:
    """Return the terminal, or, into a file, one of a width that nothing has to be wrapped in."""
    terminal = Console(highlight=False)
    return terminal if terminal.is_terminal else Console(highlight=False, width=PLAIN_WIDTH)


def run(cluster: Cluster, console: Console) -> None:
    """Do one part after the other."""
    heading(console, "Data: scikit-learn's handwritten digits, in S3")
    digits = dataset.make()
    upload(cluster, digits, console)

    heading(console, "Three TransferModels")
    names = apply(cluster, console)

    heading(console, "Training")
    wait_until_ready(lambda: cluster.transfer_models(NAMESPACE), names, console)
    compare(cluster, digits, console)

    model = cluster.transfer_models(NAMESPACE)["digits"]
    endpoint = Endpoint(cluster.ingress, model["status"]["url"], "digits")
    heading(console, f"Predictions: POST {endpoint.url}{endpoint.path}")
    predict(endpoint, digits.test, model, console)

    heading(console, "No requests, no pods; a request, a pod")
    wake(cluster, endpoint, digits.test, console)

    heading(console, "Now you")
    leave_behind(cluster, endpoint, digits.test, model, console)
    what_to_look_at(cluster, console)


def heading(console: Console, text: str) -> None:
    """Begin a part."""
    console.print(f"\n[bold]{text}[/]")


def upload(cluster: Cluster, digits: Digits, console: Console) -> None:
    """Store the data, and show some of it."""
    bucket = storage.open_bucket(cluster.s3, "datasets")
    for part, what in (
        ("source", "0 to 4 in four rotations"),
        ("train", "5 to 9, ten each"),
        ("test", "the rest of 5 to 9"),
    ):
        files: Files = getattr(digits, part)
        done = storage.upload(bucket, f"digits/{part}", files)
        how = f"{done.sent} sent" if done.sent else "all there already"
        console.print(f"  s3://datasets/digits/{part:<7} {len(files):5} PNG files, {what}: {how}")
        if done.foreign:
            console.print(f"  [yellow]{done.foreign} other objects lie there too, and will be learned from.[/]")
    first = {path.split("/")[0]: file for path, file in reversed(digits.train.items())}
    gallery([captioned(first[label], Text(label), console) for label in sorted(first)], console)


def apply(cluster: Cluster, console: Console) -> list[str]:
    """Apply the YAML files; return the objects' names."""
    cluster.prepare(NAMESPACE)
    before = cluster.transfer_models(NAMESPACE)
    names = []
    for file in YAML_FILES:
        name = cluster.apply_file(HERE / file, NAMESPACE)
        names.append(name)
        console.print(
            f"  kubectl apply -n {NAMESPACE} -f {(HERE / file).relative_to(REPOSITORY)}{already(before.get(name))}",
            soft_wrap=True,
        )
    return names


def already(model: Manifest | None) -> str:
    """Say that an object was there, with its newest version."""
    versions = ((model or {}).get("status") or {}).get("versions")
    if not versions:
        return ""
    version, moment = versions[-1]["name"], versions[-1]["createdAt"]
    return f"   [dim]there already: {version} of {moment}; the same spec is not trained twice[/]"


def compare(cluster: Cluster, digits: Digits, console: Console) -> None:
    """Print the table; raise DemoError unless transfer wins."""
    models = cluster.transfer_models(NAMESPACE)
    records = {
        name: cluster.record(NAMESPACE, name, models[name]["status"]["versions"][-1]["name"])
        for name in ("digits", "digits-scratch")
    }
    reused = [name for name, record in records.items() if record.get("reused")]
    if reused:
        console.print(f"  {', '.join(reused)}: the result was found in storage, and nothing was trained.")
    with console.status("measuring what needs no transfer"):
        measured = baselines.measure(digits)
    transfer = comparison.row_of_run("transfer", "trunk of digits-base, new head", records["digits"])
    others = [
        comparison.row_of_run("scratch", "the same network from random weights", records["digits-scratch"]),
        comparison.Row("untrained trunk", "random weights, the same kind of head", measured.untrained_trunk),
        comparison.Row("raw pixels", "no network, the same kind of head", measured.raw_pixels),
    ]
    console.print()
    comparison.show([transfer, *others], len(digits.test), console)
    comparison.judge(transfer, others)


def predict(endpoint: Endpoint, test: Files, model: Manifest, console: Console) -> None:
    """Show some answers beside the truth, then hold all of them against the reported accuracy.

    Raises:
        DemoError: what is served is not what was measured.
    """
    shown = choose(test)
    answers = endpoint.predict([test[path] for path in shown])
    cells = []
    for path, answer in zip(shown, answers, strict=True):
        truth = path.split("/")[0]
        mark = Text(f"{answer.label}  {answer.probability:.0%}", style="green" if answer.label == truth else "red")
        mark.append("" if answer.label == truth else f"  is a {truth}")
        cells.append(captioned(test[path], mark, console))
    gallery(cells, console)
    right = sum(answer.label == path.split("/")[0] for path, answer in zip(shown, answers, strict=True))
    console.print(
        f"  {right} of these {len(shown)} are right (the answer is below each drawing, and the truth where it differs)."
    )

    begun = time.monotonic()
    everything = endpoint.predict(list(test.values()))
    seconds = time.monotonic() - begun
    accuracy = float(np.mean([a.label == path.split("/")[0] for path, a in zip(test, everything, strict=True)]))
    reported = float(model["status"]["versions"][-1]["metrics"]["accuracy"])
    console.print(
        f"  All {len(test)} test images through the ingress in {seconds:.1f} s: {accuracy:.3f} right, "
        f"by version {everything[0].model_version}; the status says {reported:.3f}."
    )
    if abs(accuracy - reported) > TOLERANCE:
        raise DemoError(f"What is served ({accuracy:.3f}) is not what was measured ({reported:.3f}).")


def choose(test: Files) -> list[str]:
    """Return the paths of a few test images of each class, always the same."""
    paths: list[str] = []
    for digit in dataset.CUSTOMER_DIGITS:
        paths += [path for path in test if path.startswith(f"{digit}/")][:SHOWN_PER_CLASS]
    return paths


def gallery(cells: list[Group], console: Console) -> None:
    """Print drawings side by side, five in a row where the terminal is wide enough."""
    columns = max(1, min(5, console.width // (PICTURE_WIDTH + 1)))
    grid = Table.grid(padding=(0, 1, 0, 0))
    for _ in range(columns):
        grid.add_column(width=PICTURE_WIDTH)
    for start in range(0, len(cells), columns):
        grid.add_row(*cells[start : start + columns])
    console.print(grid)


def captioned(file: bytes, caption: Text, console: Console) -> Group:
    """Return a drawing with a line below it."""
    return Group(picture(file, colour=console.is_terminal and not console.no_color), caption)


def wake(cluster: Cluster, endpoint: Endpoint, test: Files, console: Console) -> None:
    """Wait until no pod is left, then ask again.

    Raises:
        DemoError: the pods stay.
    """
    begun = time.monotonic()
    with console.status("waiting for zero pods"):
        while pods := cluster.predictor_pods(NAMESPACE, endpoint.name):
            if time.monotonic() - begun > ZERO_PODS_SECONDS:
                raise DemoError(
                    f"After {ZERO_PODS_SECONDS} s without requests these pods are still there: {', '.join(pods)}"
                )
            time.sleep(0.5)
    console.print(f"  zero pods {time.monotonic() - begun:.0f} s after the last request")
    path = choose(test)[0]
    begun = time.monotonic()
    (answer,) = endpoint.predict([test[path]])
    seconds = time.monotonic() - begun
    console.print(
        f"  [bold]answered {seconds:.2f} s after the next one[/], by a pod that did not run before it: {answer.label}"
    )


def leave_behind(cluster: Cluster, endpoint: Endpoint, test: Files, model: Manifest, console: Console) -> None:
    """Write files to try things with, and print the command that does."""
    LEFT_BEHIND.mkdir(parents=True, exist_ok=True)
    shown = choose(test)
    for path in shown:
        (LEFT_BEHIND / path.replace("/", "-")).write_bytes(test[path])
    (LEFT_BEHIND / "request.json").write_text(predictions.body([test[path] for path in shown[::SHOWN_PER_CLASS]]))
    bucket, _, prefix = model["status"]["versions"][-1]["uri"].removeprefix("s3://").partition("/")
    report = storage.download(storage.open_bucket(cluster.s3, bucket), f"{prefix}/report.html")
    (LEFT_BEHIND / "report.html").write_bytes(report)
    folder = LEFT_BEHIND.relative_to(REPOSITORY)
    console.print(f"  {folder}/ holds test images, request.json with one of each class, and the run's report.html.")
    print_command(console, endpoint.curl(f"{folder}/request.json"))


def what_to_look_at(cluster: Cluster, console: Console) -> None:
    """Print commands that work as they are."""
    kubectl = Path(cluster.kubectl)
    console.print("\n  What to look at:")
    print_command(console, f"export KUBECONFIG={shlex.quote(cluster.kubeconfig)}")
    if kubectl.is_absolute():
        print_command(console, f"export PATH={shlex.quote(str(kubectl.parent))}:$PATH")
    print_command(console, f"kubectl get transfermodels -n {NAMESPACE}")
    print_command(console, f"kubectl describe transfermodel digits -n {NAMESPACE}")
    print_command(console, f"kubectl get jobs,inferenceservices,revisions,pods -n {NAMESPACE}")
    print_command(console, "kubectl logs -n transfermodel-system deployment/transfermodel-operator")


def print_command(console: Console, command: str) -> None:
    """Print a command on one line, however long, so that it can be copied."""
    console.print(f"    {command}", markup=False, soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
