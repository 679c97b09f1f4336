"""TransferModels at a glance: a table of all, a card of one."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from transfermodel_cli.console import out
from transfermodel_cli.views import words

if TYPE_CHECKING:
    from transfermodel.cluster.types import Model


def show_table(models: "Sequence[Model]") -> None:
    """Print one line for each model; why one is not ready stands below it."""
    from rich.table import Table
    from rich.text import Text

    namespaces = {model.namespace for model in models if model.where == "cluster"}
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("NAME", "WHERE", "STAGE", "PROGRESS", "ACCURACY", "READY", "URL", "AGE"):
        table.add_column(heading, no_wrap=heading in ("NAME", "STAGE", "READY", "AGE"), overflow="fold")
    for model in models:
        where = "here" if model.where == "local" else "cluster"
        if model.where == "cluster" and len(namespaces) > 1:
            where = f"cluster/{model.namespace}"
        percent = model.progress.percent
        table.add_row(
            Text(model.name, style="bold"),
            where,
            words.stage(model.stage),
            "" if percent is None else f"{percent} %",
            words.accuracy(model.accuracy, None, None),
            Text("yes", style="green") if model.ready else Text("no", style="red" if is_fault(model) else "yellow"),
            Text(model.url or "-", style="cyan" if model.url else ""),
            words.age(model.created_at),
        )
    out().print(table)
    for model in models:
        if model.cause is not None:
            first = model.cause.message.split(". ")[0].rstrip(".")
            out().print(f"\n{model.name}: {first}.", markup=False, soft_wrap=True)
            out().print(f"    → transfermodel describe {model.name}{flags(model)}", style="dim", soft_wrap=True)


def is_fault(model: "Model") -> bool:
    """Tell a model that needs a person from one that needs time."""
    return model.cause is not None and model.cause.fault


def flags(model: "Model") -> str:
    """Return the options that find a model again."""
    return f" -n {model.namespace}" if model.where == "cluster" else ""


def show_card(model: "Model", where: str) -> None:
    """Print one model, and why it is not ready."""
    console = out()
    console.print(f"[bold]{model.name}[/] ", end="")
    console.print(where, style="dim", markup=False, soft_wrap=True)
    progress = words.progress_line(model.progress)
    rows = {
        "stage": words.stage(model.stage),
        "progress": progress if not model.ready else "",
        "version": model.version or "",
        "accuracy": words.accuracy(model.accuracy, model.accuracy_low, model.accuracy_high) if model.accuracy else "",
        "ready": "yes" if model.ready else "no",
        "url": model.url or "",
    }
    for key, value in rows.items():
        if value:
            console.print(f"[bold]{key:<9}[/] ", end="")
            console.print(value, markup=False, soft_wrap=True)
    if model.cause is not None:
        words.print_cause(console, model.cause)
