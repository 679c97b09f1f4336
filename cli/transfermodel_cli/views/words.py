"""Small things that every view says in the same way."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from transfermodel_cli.console import percent

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text
    from transfermodel.cluster.types import Cause, Progress

MINUTE, HOUR, DAY = 60, 3600, 86400
BAR_CELLS = 20
STAGE_STYLES = {"Ready": "green", "Serving": "green", "Trained": "green", "Failed": "red", "Interrupted": "yellow"}


def duration(seconds: float) -> str:
    """Return 42 s, 12 min, 5 h or 3 d."""
    for limit, unit, word in ((MINUTE, 1, "s"), (HOUR, MINUTE, "min"), (2 * DAY, HOUR, "h")):
        if seconds < limit:
            return f"{max(0, int(seconds // unit))} {word}"
    return f"{int(seconds // DAY)} d"


def age(since: datetime | None) -> str:
    """Return how long ago something was."""
    return "" if since is None else duration((datetime.now(UTC) - since).total_seconds())


def clock(at: datetime | None) -> str:
    """Return the local time of something, with its day when that is not today."""
    if at is None:
        return ""
    local = at.astimezone()
    return local.strftime("%H:%M:%S" if local.date() == datetime.now().astimezone().date() else "%Y-%m-%d %H:%M:%S")


def accuracy(value: str | None, low: str | None, high: str | None) -> str:
    """Return an accuracy with its 95 % interval."""
    if value is None:
        return "-"
    interval = f" ({float(low) * 100:.1f} to {float(high) * 100:.1f})" if low and high else ""
    return percent(value) + interval


def progress_line(progress: "Progress") -> str:
    """Return a bar with percent, epoch, loss and the time that is left."""
    if progress.percent is None:
        return ""
    full = round(progress.percent * BAR_CELLS / 100)
    parts = [f"{'█' * full}{'░' * (BAR_CELLS - full)} {progress.percent} %"]
    if progress.epochs:
        parts.append(f"epoch {progress.epoch or 0} of {progress.epochs}")
    if progress.loss:
        parts.append(f"loss {progress.loss}")
    if progress.eta_seconds:
        parts.append(f"about {duration(progress.eta_seconds)} left")
    return "  ".join(parts)


def stage(name: str) -> "Text":
    """Return a stage in its colour."""
    from rich.text import Text

    return Text(name, style=STAGE_STYLES.get(name, "yellow"))


def print_cause(console: "Console", cause: "Cause", *, heading: str = "why") -> None:
    """Print why something is not ready, and what to do: commands unwrapped, so that they can be copied."""
    console.print(f"[bold]{heading:<9}[/] ", end="")
    console.print(cause.message, markup=False, soft_wrap=True)
    if cause.remedies:
        console.print("[bold]do[/]")
        for remedy in cause.remedies:
            console.print(f"    {remedy}", markup=False, soft_wrap=True, style="cyan")
