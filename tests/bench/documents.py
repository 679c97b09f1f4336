"""The files under bench/results: medians with every value, for people and for programs."""

import json
import statistics
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Wire = dict[str, Any]


def spread(values: Iterable[float]) -> Wire:
    """Return median, range and every value."""
    found = list(values)
    return {"median": statistics.median(found), "minimum": min(found), "maximum": max(found), "values": found}


def read(path: Path, schema: int) -> Wire | None:
    """Return a document of this schema; None where there is none."""
    if not path.is_file():
        return None
    document: Wire = json.loads(path.read_text())
    return document if document.get("schema") == schema else None


def write(document: Wire, path: Path) -> None:
    """Write it, for people too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2) + "\n")


def rounded(value: Any) -> Any:
    """Return it with five significant digits, which is more than a clock or a test set gives."""
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, dict):
        return {key: rounded(entry) for key, entry in value.items()}
    return [rounded(entry) for entry in value] if isinstance(value, list) else value
