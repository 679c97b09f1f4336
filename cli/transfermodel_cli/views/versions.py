"""The versions of a model, as a table."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from transfermodel_cli.console import out, percent, shown
from transfermodel_cli.views import words

if TYPE_CHECKING:
    from rich.table import Table
    from transfermodel.cluster.types import VersionView

DIGEST_DIGITS = 12
WIDE = 122
"""Columns of a terminal that has room for everything; a narrower one goes without the last columns."""
STATE_STYLES = {"Live": "green", "Failed": "red", "Retired": "dim"}


def show(versions: "Sequence[VersionView]") -> None:
    """Print them, newest first, and where each lies."""
    out().print(table(versions))
    for version in reversed(versions):
        place = shown(Path(version.location)) if version.location else version.uri
        out().print(f"{version.name}: {place}", style="dim", markup=False, soft_wrap=True)


def table(versions: "Sequence[VersionView]") -> "Table":
    """Return one line for each version, newest first."""
    from rich.table import Table
    from rich.text import Text

    result = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    wide = out().width >= WIDE
    for heading in (
        "VERSION",
        "STATE",
        "ACCURACY (95 %)",
        "ON",
        "TOOK",
        "CREATED",
        *(("INT8", "SAMPLES", "DIGEST") * wide),
    ):
        result.add_column(heading, no_wrap=True)
    for version in reversed(versions):
        samples = "" if version.samples is None else f"{version.samples} in {version.classes} classes"
        int8 = percent(version.int8) if version.int8[:1].isdigit() else version.int8
        digest = version.digest.removeprefix("sha256:")[:DIGEST_DIGITS]
        result.add_row(
            Text(version.name, style="bold"),
            Text(version.state, style=STATE_STYLES.get(version.state, "")),
            words.accuracy(version.accuracy, version.accuracy_low, version.accuracy_high),
            version.split or "",
            "" if version.seconds is None else words.duration(version.seconds),
            words.clock(version.created_at),
            *((int8, samples, digest) if wide else ()),
        )
    return result
