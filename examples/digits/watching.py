"""Watching TransferModels until they are ready: a live table, or plain lines where nobody looks."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from examples.common.errors import DemoError
from examples.digits.cluster import Manifest

INTERVAL_SECONDS = 0.5
DEADLINE_SECONDS = 1500
SILENCE_SECONDS = 60
"""Without a word from the operator."""
FAILURE_SECONDS = 15
"""A failure that lasts as long ends the demo; a shorter one may still be mended by itself."""
OBSTACLE_SECONDS = 180
"""The same for what keeps a run from starting, such as a full node: others may yet make room."""

COLOURS = {"Ready": "green", "Failed": "red", "Training": "cyan", "Deploying": "magenta"}


@dataclass(frozen=True)
class View:
    """One TransferModel as a line for people."""

    name: str
    stage: str
    percent: int
    epoch: str
    eta: str
    loss: str
    message: str
    ready: bool
    patience_seconds: float | None
    """How long this state may last; None: it is none of failure."""
    seen: bool
    """Whether the operator has looked at this spec."""


def view(name: str, model: Manifest) -> View:
    """Read an object's status; one that speaks of an older spec counts as not seen."""
    status = model.get("status") or {}
    seen = status.get("observedGeneration") == model["metadata"]["generation"]
    training = status.get("training") or {}
    conditions = {condition["type"]: condition for condition in status.get("conditions") or []}
    ready = conditions.get("Ready", {})
    stage = str(status.get("stage") or "Pending") if seen else "Pending"
    running = stage == "Training"
    patience = None
    if seen and ready.get("status") == "False":
        patience = FAILURE_SECONDS if stage == "Failed" else OBSTACLE_SECONDS
    return View(
        name=name,
        stage=stage,
        percent=int(training.get("percent") or 0),
        epoch=f"{training['epoch']}/{training['epochs']}" if training.get("epochs") else "",
        eta=f"{training['etaSeconds']} s" if running and "etaSeconds" in training else "",
        loss=str(training.get("loss") or "") if running else "",
        message=str(ready.get("message") or "") if seen else "",
        ready=seen and ready.get("status") == "True",
        patience_seconds=patience,
        seen=seen,
    )


def failure(model: Manifest) -> str:
    """Return the conditions that are not as they should be, for people."""
    return "\n".join(
        f"  {condition['type']}={condition['status']} {condition['reason']}: {condition.get('message', '')}"
        for condition in (model.get("status") or {}).get("conditions") or []
        if condition["status"] != "True"
    )


def wait_until_ready(read: Callable[[], dict[str, Manifest]], names: list[str], console: Console) -> None:
    """Show the progress of these TransferModels until all of them are ready.

    Raises:
        DemoError: one failed, the operator keeps silent, or it takes too long; with the conditions' own sentences.
    """
    begun = time.monotonic()
    troubled_since: dict[str, float] = {}
    shown: dict[str, str] = {}
    with Live(console=console, refresh_per_second=4, transient=False) as live:
        while True:
            now = time.monotonic()
            models = read()
            if missing := [name for name in names if name not in models]:
                raise DemoError(f"Somebody deleted {', '.join(missing)} meanwhile.")
            views = [view(name, models[name]) for name in names]
            if console.is_terminal:
                live.update(table(views, now - begun))
            else:
                _print_changes(views, shown, now - begun, console)
            if all(v.ready for v in views):
                return
            for v in views:
                if v.patience_seconds is None:
                    troubled_since.pop(v.name, None)
                elif now - troubled_since.setdefault(v.name, now) > v.patience_seconds:
                    raise DemoError(f"{v.name} failed:\n{failure(models[v.name])}")
                if not v.seen and now - begun > SILENCE_SECONDS:
                    raise DemoError(
                        f"The operator has not looked at {v.name} for {SILENCE_SECONDS} s. See "
                        "`kubectl logs -n transfermodel-system deployment/transfermodel-operator`."
                    )
            if now - begun > DEADLINE_SECONDS:
                late = [v.name for v in views if not v.ready]
                details = "\n".join(f"{name}:\n{failure(models[name])}" for name in late)
                raise DemoError(f"Not ready within {DEADLINE_SECONDS} s:\n{details}")
            time.sleep(INTERVAL_SECONDS)


def table(views: Iterable[View], elapsed_seconds: float) -> Table:
    """Return the live table."""
    title = f"{elapsed_seconds:.0f} s"
    grid = Table(box=None, padding=(0, 1), title=title, title_justify="left", title_style="dim", expand=True)
    widths = {"TRANSFERMODEL": 15, "STAGE": 9, "PROGRESS": 20, " ": 5, "EPOCH": 6, "ETA": 6, "LOSS": 7}
    for heading, width in widths.items():
        grid.add_column(heading, width=width, no_wrap=True, header_style="dim")
    grid.add_column("", ratio=1, no_wrap=True, overflow="ellipsis")  # the message takes what is left
    for v in views:
        grid.add_row(
            f"[bold]{v.name}[/]",
            Text(v.stage, style=COLOURS.get(v.stage, "yellow")),
            ProgressBar(total=100, completed=v.percent, width=20),
            f"{v.percent} %",
            v.epoch,
            v.eta,
            v.loss,
            Text(v.message, style="dim"),
        )
    return grid


def _print_changes(views: list[View], shown: dict[str, str], elapsed_seconds: float, console: Console) -> None:
    """Print one line per object whenever its stage, its epoch or its percentage (in steps of ten) changes."""
    for v in views:
        state = f"{v.stage} {v.epoch} {v.percent // 10}"
        if shown.get(v.name) == state:
            continue
        shown[v.name] = state
        parts = [f"{v.percent:3d} %"]
        parts += [f"epoch {v.epoch}"] if v.epoch else []
        parts += [f"ETA {v.eta}"] if v.eta else []
        parts += [f"loss {v.loss}"] if v.loss else []
        parts += [v.message] if v.message and v.stage != "Training" else []
        line = f"{elapsed_seconds:4.0f} s  {v.name:<15} {v.stage:<10} {'  '.join(parts)}"
        console.print(line, markup=False, highlight=False, soft_wrap=True)
