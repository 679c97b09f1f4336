"""What `transfermodel run` has to say once a model is trained."""

from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from transfermodel_cli.console import out, percent, shown, write

if TYPE_CHECKING:
    from rich.console import Console
    from transfermodel.documents import Document
    from transfermodel.local import Trained
    from transfermodel.modalities import Modality
    from transfermodel.predictions.types import Endpoint
    from transfermodel.workspace import LocalVersion
    from transfermodel_operator.api import RunResult


def print_trained(console: "Console", name: str, trained: "Trained") -> None:
    """Say how good the model is, and whether anything was trained at all."""
    from rich.markup import escape

    version = trained.version
    took = f"{'resumed and ' if trained.resumed else ''}trained in {version.result.seconds.get('total', 0):.0f} s"
    news = "nothing changed, so nothing was trained" if trained.unchanged else took
    write(console, f"[bold green]✓[/] [bold]{escape(name)}[/] {version.name}: {news}")
    write(console, f"  {accuracy(version.result, version.modality)}")
    if chosen := kept_by_auto(version):
        write(console, f"  {chosen}")
    for warning in version.result.warnings:
        write(console, f"  [yellow]![/] {escape(warning)}")


def kept_by_auto(version: "LocalVersion") -> str:
    """Say what strategy Auto came to; empty for the other strategies."""
    asked = (version.spec.get("training") or {}).get("strategy")
    if asked != "Auto" or version.result.strategy in (None, "Auto"):
        return ""
    kept = {
        "FeatureExtraction": "Auto kept the new head on the frozen backbone: fine-tuning was no better on validation",
        "FineTuning": "Auto kept the fine-tuned backbone: it was better on validation than a new head alone",
    }
    return kept[version.result.strategy]


def accuracy(result: "RunResult", modality: "Modality") -> str:
    """Return the accuracy in words, with its interval and what it was measured on."""
    metrics = result.metrics
    if "accuracy" not in metrics:
        return "no accuracy was measured"
    text = f"accuracy {percent(metrics['accuracy'])}"
    if "accuracyLow" in metrics and "accuracyHigh" in metrics:
        text += f", 95 % interval {percent(metrics['accuracyLow'])} to {percent(metrics['accuracyHigh'])}"
    if not result.estimated:
        return f"{text}, on {result.counts.test} test {modality.many}"
    # The same samples chose what was trained, so the figure flatters.
    counts = result.counts
    held_out, learned = f"{counts.validation} validation", f"the {counts.train} training"
    on = f"{held_out if counts.validation else learned} {modality.many}"
    return f"{text}; an estimate from {on}: set data.test for a fair figure"


def print_files(version: "LocalVersion", client: Path) -> None:
    """Print where everything is."""
    print_rows(
        [
            ("artifact", shown(version.folder)),
            ("report", shown(version.folder / "report.html")),
            ("client", shown(client)),
        ]
    )


def print_rows(rows: Sequence[tuple[str, str]]) -> None:
    """Print names and values below each other; a value stays on one line, to be copied."""
    from rich.markup import escape

    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        out().print(f"  [dim]{escape(name.ljust(width))}[/]  {escape(value)}", soft_wrap=True)


def to_wire(
    chosen: "Sequence[Document]", trained: "Sequence[Trained]", client: Path, endpoint: "Endpoint | None"
) -> dict[str, Any]:
    """Return the JSON form of a run."""
    return {
        "models": [
            {
                "namespace": document.namespace,
                "name": document.name,
                "version": one.version.name,
                "digest": one.version.digest,
                "strategy": one.version.result.strategy,
                "unchanged": one.unchanged,
                "resumed": one.resumed,
                "metrics": {key: float(value) for key, value in one.version.result.metrics.items()},
                "metricsSplit": one.version.result.metrics_split,
                "estimated": one.version.result.estimated,
                "seconds": one.version.result.seconds,
                "warnings": one.version.result.warnings,
                "artifact": str(one.version.folder),
                "report": str(one.version.folder / "report.html"),
            }
            for document, one in zip(chosen, trained, strict=True)
        ],
        "client": str(client.absolute()),
        "server": None if endpoint is None else {"url": endpoint.url, "predictUrl": endpoint.predict_url},
    }


def example(document: "Document") -> str:
    """Return something to try the model with, as a command shows it: a path, or a text."""
    from transfermodel.modalities import MODALITIES
    from transfermodel.predictions import example

    found = example.example(document)
    return found if MODALITIES[document.spec.task].key == "text" else shown(Path(found))


def asking(name: str, modality: "Modality", example: str) -> str:
    """Return the arguments of `transfermodel` that ask about an example."""
    return f"predict {name} {'--text ' if modality.key == 'text' else ''}{quote(example)}"
