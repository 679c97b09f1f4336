"""Figures with their spread, as a table and as JSON."""

import json
import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Figure:
    """One measured quantity."""

    name: str
    unit: str
    values: tuple[float, ...]
    """One per round."""
    target: float | None = None
    """The median should be at most this."""
    note: str = ""
    """How it was measured, where the name does not say."""

    @property
    def median(self) -> float:
        """Median of the rounds."""
        return statistics.median(self.values)

    @property
    def verdict(self) -> str:
        """Say whether the target is met; empty without one."""
        if self.target is None:
            return ""
        return "met" if self.median <= self.target else "MISSED"

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "name": self.name,
            "unit": self.unit,
            "median": self.median,
            "minimum": min(self.values),
            "maximum": max(self.values),
            "values": list(self.values),
            "target": self.target,
            "note": self.note,
        }


def table(figures: Iterable[Figure]) -> str:
    """Return the figures as a table in Markdown."""
    lines = ["| what | median | range | rounds | target | |", "|---|---|---|---|---|---|"]
    for figure in figures:
        digits = 0 if figure.unit in ("writes", "MB", "images/s") else 2
        target = "" if figure.target is None else f"<= {figure.target:g} {figure.unit}, {figure.verdict}"
        spread = f"{min(figure.values):.{digits}f} to {max(figure.values):.{digits}f}" if len(figure.values) > 1 else ""
        lines.append(
            f"| {figure.name} | {figure.median:.{digits}f} {figure.unit} | {spread} | {len(figure.values)} | {target} "
            f"| {figure.note} |"
        )
    return "\n".join(lines)


def write_json(figures: Iterable[Figure], path: Path) -> None:
    """Write the figures with every value."""
    path.write_text(json.dumps([figure.to_wire() for figure in figures], indent=2) + "\n")
