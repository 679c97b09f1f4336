"""What the demos on one machine have in common: how they end, and how they train."""

import sys
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from transfermodel.documents import Target, in_order, load
from transfermodel.errors import ExitCode, TransferModelError
from transfermodel.local import Trained
from transfermodel.workspace import Workspace
from transfermodel_cli.commands.run import train
from transfermodel_cli.console import notes, out, shown
from transfermodel_cli.main import say

from examples.common.errors import DemoError

Result = TypeVar("Result")

TOLERANCE = 0.005
"""By how much the served accuracy may differ from the reported one: what the trainer, too, allows its export."""


def main(run: Callable[[Console], None]) -> int:
    """Run a demo; return the exit status."""
    try:
        run(out())
    except TransferModelError as error:
        notes().print("\nThe demo failed.", style="bold red")
        return say(error)
    except KeyboardInterrupt:
        notes().print("\nInterrupted, and nothing goes on. Running the demo again resumes it.")
        return ExitCode.INTERRUPTED
    return ExitCode.OK


def program() -> str:
    """Return `transfermodel` as it is called from here."""
    return shown(Path(sys.executable).with_name("transfermodel"))


def write(files: Mapping[str, bytes], folder: Path) -> int:
    """Write the files that are not there yet; return how many.

    What is there stays untouched: a new modification time would count as new data.
    """
    missing = {
        path: content
        for name, content in files.items()
        if not (path := folder / name).is_file() or path.read_bytes() != content
    }
    for path, content in missing.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return len(missing)


def train_all(file: Path) -> dict[str, Trained]:
    """Train every TransferModel of the file, each after what it starts from, as `transfermodel run` does."""
    workspace, heard = Workspace(), set[str]()
    documents = in_order(load(file, Target.LOCAL))
    return {document.name: train(document, workspace, heard, as_json=False) for document in documents}


def in_background(measure: Callable[[], Result]) -> "Future[Result]":
    """Measure meanwhile what needs no transfer: importing torch alone takes seconds."""
    pool = ThreadPoolExecutor(1, "baselines")
    future = pool.submit(measure)
    pool.shutdown(wait=False)
    return future


def check_served(accuracy: float, reported: float) -> None:
    """Raise DemoError unless what is served is what was measured."""
    if abs(accuracy - reported) > TOLERANCE:
        raise DemoError(f"What is served ({accuracy:.3f}) is not what was measured ({reported:.3f}).")
