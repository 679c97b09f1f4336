"""The same on one machine, without a cluster: train, serve, ask. `make demo`, or this module.

Safe to repeat: what did not change is not trained again. Nothing goes on when it has ended.
"""

import sys
import time
from pathlib import Path

from rich.console import Console
from transfermodel.local import serve
from transfermodel.predictions.client import curl
from transfermodel_cli.console import shown

from examples.common.laptop import main, program, train_all, write
from examples.common.showing import command, heading
from examples.digits import dataset, showing
from examples.digits.dataset import Digits, Files
from examples.digits.showing import FOLDER

YAML_FILES = ("base.yaml", "scratch.yaml", "digits.yaml")
HERE = Path(__file__).parent
BUCKET = "s3://datasets/digits/"
OF_BUCKETS = ("credentialsSecretName:", "output:")
"""Fields that only say how to reach the cluster's object storage."""


def run(console: Console) -> None:
    """Do one part after the other."""
    begun = time.monotonic()
    heading(console, "Data: scikit-learn's handwritten digits")
    digits = dataset.make()
    store(digits, FOLDER / "data", console)
    showing.customer(digits, console)

    heading(console, "Three TransferModels: those of the cluster's demo, with the data beside the file")
    file = write_specs(FOLDER / "digits.yaml")
    command(console, f"{program()} run -f {shown(file)}")
    measuring = showing.begin_baselines(digits)
    models = train_all(file)
    transfer, scratch = models["digits"], models["digits-scratch"].version.result.to_wire()
    showing.compare(transfer.version.result.to_wire(), scratch, measuring.result(), len(digits.test), console)

    with serve(transfer.version, transfer.model) as server:
        heading(console, f"Predictions: POST {server.endpoint().predict_url}")
        reported = float(transfer.version.result.metrics["accuracy"])
        showing.ask(server.endpoint(), digits.test, reported, console)
        endpoint = server.endpoint()

    heading(console, "Now you")
    image = showing.leave_behind(digits.test, (transfer.version.folder / "report.html").read_bytes())
    console.print(f"  {shown(FOLDER)}/ holds the data, digits.yaml, test images, and the report:", soft_wrap=True)
    command(console, f"{shown(FOLDER / 'report.html')}")
    console.print("  Serve it again (nothing is trained twice; Ctrl-C stops it), and ask it from another terminal:")
    command(console, f"{program()} run -f {shown(file)} --serve --port {endpoint.url.rpartition(':')[2]}")
    command(console, f"{program()} predict digits {shown(FOLDER / 'data' / 'test' / '7')}")
    command(console, curl(endpoint, shown(image)))
    console.print(f"\n[bold green]✓[/] all of it in {time.monotonic() - begun:.0f} s; no server is left behind")


def store(digits: Digits, folder: Path, console: Console) -> None:
    """Write the data, and say where."""
    for part, what in dataset.PARTS.items():
        files: Files = getattr(digits, part)
        written = write(files, folder / part)
        how = f"{written} written" if written else "all there already"
        console.print(f"  {shown(folder / part):<24} {len(files):5} PNG files, {what}: {how}")


def write_specs(path: Path) -> Path:
    """Write one file of all TransferModels; return its path."""
    documents = [for_this_machine((HERE / name).read_text()) for name in YAML_FILES]
    path.write_text("---\n".join(documents))
    return path


def for_this_machine(text: str) -> str:
    """Return a TransferModel of the cluster's demo with the data beside its file."""
    lines = [line for line in text.splitlines(keepends=True) if not line.strip().startswith(OF_BUCKETS)]
    return "".join(lines).replace(BUCKET, "data/")


if __name__ == "__main__":
    sys.exit(main(run))
