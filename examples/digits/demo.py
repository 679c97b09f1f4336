"""The whole loop in a cluster: train, serve, scale to zero, wake. `make demo-cluster`, or this module.

Safe to repeat: data that is there is not sent again, and a run that is recorded is not run again. It leaves it all up.
"""

import shlex
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

from rich.console import Console
from transfermodel.errors import TransferModelError
from transfermodel.predictions.client import curl, predict
from transfermodel.predictions.types import Endpoint
from transfermodel_cli.console import out, shown

from examples.common.errors import DemoError
from examples.common.showing import command, heading
from examples.digits import dataset, showing, storage
from examples.digits.cluster import Cluster, Manifest
from examples.digits.dataset import Digits, Files
from examples.digits.watching import wait_until_ready

NAMESPACE = "demo"
YAML_FILES = ("base.yaml", "digits.yaml", "scratch.yaml")
HERE = Path(__file__).parent
ZERO_PODS_SECONDS = 300
"""Knative's own defaults let a pod go after 90 s without requests; the devcluster after about 15."""


def main() -> int:
    """Run the demo; return the exit status."""
    console = out()
    cluster: Cluster | None = None
    try:
        cluster = Cluster.discover()
        run(cluster, console)
    except TransferModelError as error:
        console.print("\nThe demo failed.", style="bold red")
        console.print(str(error), markup=False, soft_wrap=True)
        if cluster is not None:
            what_to_look_at(cluster, console)
        return 1
    except KeyboardInterrupt:
        console.print("\nInterrupted. Everything goes on in the cluster; running the demo again picks it up there.")
        return 130
    return 0


def run(cluster: Cluster, console: Console) -> None:
    """Do one part after the other."""
    heading(console, "Data: scikit-learn's handwritten digits, in S3")
    digits = dataset.make()
    upload(cluster, digits, console)

    heading(console, "Three TransferModels")
    names = apply(cluster, console)

    heading(console, "Training")
    measuring = showing.begin_baselines(digits)
    wait_until_ready(lambda: cluster.transfer_models(NAMESPACE), names, console)
    transfer, scratch = (results(cluster, name, console) for name in ("digits", "digits-scratch"))
    showing.compare(transfer, scratch, measuring.result(), len(digits.test), console)

    model = cluster.transfer_models(NAMESPACE)["digits"]
    # Names below `localhost` are resolved by curl and browsers, not by every library: the ingress by its address.
    endpoint = Endpoint(cluster.ingress, urlsplit(model["status"]["url"]).netloc, "digits")
    heading(console, f"Predictions: POST {model['status']['url']}/v1/models/digits:predict")
    showing.ask(endpoint, digits.test, float(transfer["metrics"]["accuracy"]), console)

    heading(console, "No requests, no pods; a request, a pod")
    wake(cluster, endpoint, digits.test, console)

    heading(console, "Now you")
    report = storage.download(cluster.s3, f"{transfer['uri']}/report.html")
    image = showing.leave_behind(digits.test, report)
    console.print(f"  {shown(showing.FOLDER)}/ holds test images, and the run's report.html.")
    command(console, curl(endpoint, shown(image)))
    what_to_look_at(cluster, console)


def upload(cluster: Cluster, digits: Digits, console: Console) -> None:
    """Store the data, and show some of it."""
    bucket = storage.open_bucket(cluster.s3, "datasets")
    for part, what in dataset.PARTS.items():
        files: Files = getattr(digits, part)
        done = storage.upload(bucket, f"digits/{part}", files)
        how = f"{done.sent} sent" if done.sent else "all there already"
        console.print(f"  s3://datasets/digits/{part:<7} {len(files):5} PNG files, {what}: {how}")
        if done.foreign:
            console.print(f"  [yellow]{done.foreign} other objects lie there too, and will be learned from.[/]")
    showing.customer(digits, console)


def apply(cluster: Cluster, console: Console) -> list[str]:
    """Apply the YAML files; return the objects' names."""
    cluster.prepare(NAMESPACE)
    before = cluster.transfer_models(NAMESPACE)
    names = []
    for file in YAML_FILES:
        name = cluster.apply_file(HERE / file, NAMESPACE)
        names.append(name)
        console.print(
            f"  kubectl apply -n {NAMESPACE} -f {shown(HERE / file)}{already(before.get(name))}",
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


def results(cluster: Cluster, name: str, console: Console) -> Manifest:
    """Return what the run of a TransferModel's newest version came to."""
    version = cluster.transfer_models(NAMESPACE)[name]["status"]["versions"][-1]["name"]
    record = cluster.record(NAMESPACE, name, version)
    if record.get("reused"):
        console.print(f"  {name}: the result was found in storage, and nothing was trained.")
    return record


def wake(cluster: Cluster, endpoint: Endpoint, test: Files, console: Console) -> None:
    """Wait until no pod is left, then ask again.

    Raises:
        DemoError: the pods stay.
    """
    begun = time.monotonic()
    with console.status("waiting for zero pods"):
        while pods := cluster.predictor_pods(NAMESPACE, endpoint.model):
            if time.monotonic() - begun > ZERO_PODS_SECONDS:
                raise DemoError(
                    f"After {ZERO_PODS_SECONDS} s without requests these pods are still there: {', '.join(pods)}"
                )
            time.sleep(0.5)
    console.print(f"  zero pods {time.monotonic() - begun:.0f} s after the last request")
    path = showing.choose(test)[0]
    begun = time.monotonic()
    (answer,) = predict(endpoint, [test[path]])
    seconds = time.monotonic() - begun
    console.print(
        f"  [bold]answered {seconds:.2f} s after the next one[/], by a pod that did not run before it: {answer.label}"
    )


def what_to_look_at(cluster: Cluster, console: Console) -> None:
    """Print commands that work as they are."""
    kubectl = Path(cluster.kubectl)
    console.print("\n  What to look at:")
    command(console, f"export KUBECONFIG={shlex.quote(cluster.kubeconfig)}")
    if kubectl.is_absolute():
        command(console, f"export PATH={shlex.quote(str(kubectl.parent))}:$PATH")
    command(console, f"kubectl get transfermodels -n {NAMESPACE}")
    command(console, f"kubectl describe transfermodel digits -n {NAMESPACE}")
    command(console, f"kubectl get jobs,inferenceservices,revisions,pods -n {NAMESPACE}")
    command(console, "kubectl logs -n transfermodel-system deployment/transfermodel-operator")


if __name__ == "__main__":
    sys.exit(main())
