"""What both demos show: drawings, the comparison, the answers of a served model, and what they leave behind."""

import time
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text
from transfermodel.predictions.client import predict
from transfermodel.predictions.types import Endpoint

from examples.common import comparison
from examples.common.laptop import check_served, in_background
from examples.common.showing import BUILD
from examples.digits import dataset
from examples.digits.dataset import Digits, Files
from examples.digits.pictures import picture

if TYPE_CHECKING:
    from examples.digits.baselines import Baselines

FOLDER = BUILD / "demo"
"""What a demo leaves behind."""
SHOWN_PER_CLASS = 2
PICTURE_WIDTH = 16
LEAST_ACCURACY = 0.65
LEAST_LEAD = 0.15
"""Of transfer over the best of the others."""


def customer(digits: Digits, console: Console) -> None:
    """Show one of the customer's drawings of each class."""
    first = {path.split("/")[0]: file for path, file in reversed(digits.train.items())}
    gallery([captioned(first[label], Text(label), console) for label in sorted(first)], console)


def begin_baselines(digits: Digits) -> "Future[Baselines]":
    """Measure in the background what needs no transfer."""

    def measure() -> "Baselines":
        from examples.digits import baselines

        return baselines.measure(digits)

    return in_background(measure)


def compare(
    transfer: Mapping[str, Any], scratch: Mapping[str, Any], measured: "Baselines", samples: int, console: Console
) -> None:
    """Print the table; transfer, scratch: what the two runs came to. Raises DemoError unless transfer wins."""
    row = comparison.row_of_run("transfer", "trunk of digits-base, new head", transfer)
    others = [
        comparison.row_of_run("scratch", "the same network from random weights", scratch),
        comparison.Row("untrained trunk", "random weights, the same kind of head", measured.untrained_trunk),
        comparison.Row("raw pixels", "no network, the same kind of head", measured.raw_pixels),
    ]
    console.print()
    comparison.show([row, *others], f"{samples} test images", console)
    comparison.judge(row, others, least_accuracy=LEAST_ACCURACY, least_lead=LEAST_LEAD)


def ask(endpoint: Endpoint, test: Files, reported: float, console: Console) -> None:
    """Show some answers beside the truth, then hold all of them against the reported accuracy.

    Raises:
        DemoError: what is served is not what was measured.
        TransferModelError: it does not answer.
    """
    shown = choose(test)
    answers = predict(endpoint, [test[path] for path in shown])
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
    everything = predict(endpoint, list(test.values()))
    seconds = time.monotonic() - begun
    accuracy = float(np.mean([a.label == path.split("/")[0] for path, a in zip(test, everything, strict=True)]))
    console.print(
        f"  All {len(test)} test images over HTTP in {seconds:.1f} s: {accuracy:.3f} right, by version "
        f"{everything[0].model_version}; {reported:.3f} was reported."
    )
    check_served(accuracy, reported)


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


def leave_behind(test: Files, report: bytes) -> Path:
    """Write a few test images and the run's report into build/demo; return the first image."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    shown = choose(test)
    for path in shown:
        (FOLDER / path.replace("/", "-")).write_bytes(test[path])
    (FOLDER / "report.html").write_bytes(report)
    return FOLDER / shown[0].replace("/", "-")
