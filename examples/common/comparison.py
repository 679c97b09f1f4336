"""What transfer is worth: several ways to the same task, judged on the same test set."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from examples.common.errors import DemoError

BAR_WIDTH = 30


@dataclass(frozen=True)
class Row:
    """One way."""

    name: str
    what: str
    accuracy: float
    took: str = ""
    """How long its training run took."""


def row_of_run(name: str, what: str, record: Mapping[str, Any]) -> Row:
    """Return the row of a TransferModel by the result of its run, as JSON.

    Raises:
        DemoError: its accuracy is not of the test set.
    """
    if record["metricsSplit"] != "test":
        raise DemoError(f"The accuracy of `{name}` is of its {record['metricsSplit']} set, not of the test set.")
    took = "stored" if record.get("reused") else f"{float(record['seconds']['total']):.0f} s"
    return Row(name, what, float(record["metrics"]["accuracy"]), took)


def show(rows: list[Row], samples: str, console: Console) -> None:
    """Print the table; samples: such as "846 test images"."""
    table = Table(box=None, padding=(0, 2, 0, 0), title=f"Accuracy on the same {samples}", title_justify="left")
    for heading in ("", "", "ACCURACY", "", "RUN"):
        table.add_column(heading, header_style="dim", no_wrap=heading != "")
    for number, row in enumerate(rows):
        style = "bold green" if number == 0 else ""
        bar = "█" * round(row.accuracy * BAR_WIDTH)
        took = row.took
        table.add_row(row.name, f"[dim]{row.what}[/]", f"{row.accuracy:.3f}", f"{bar:<{BAR_WIDTH}}", took, style=style)
    console.print(table)


def judge(transfer: Row, others: list[Row], *, least_accuracy: float, least_lead: float) -> None:
    """Raise DemoError unless transfer is good, and better by that lead than everything else."""
    best = max(others, key=lambda row: row.accuracy)
    lead = transfer.accuracy - best.accuracy
    if transfer.accuracy < least_accuracy or lead < least_lead:
        raise DemoError(
            f"Transfer should reach {least_accuracy} and lead by {least_lead}: it has {transfer.accuracy:.3f}, and "
            f"{best.name} has {best.accuracy:.3f}."
        )
