"""What every command prints with: words for people on stderr or a terminal, data as JSON for programs."""

import json
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

PLAIN_WIDTH = 130
"""Of lines that go into a file or a pipe: nothing has to be wrapped there."""

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of text for people.")]
"""Every command that prints data takes it."""


@cache
def out() -> "Console":
    """Return the console of results (stdout)."""
    return _console(stderr=False)


@cache
def notes() -> "Console":
    """Return the console of progress, warnings and errors (stderr): stdout stays clean for pipes."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> "Console":
    from rich.console import Console

    terminal = Console(stderr=stderr, highlight=False)
    return terminal if terminal.is_terminal else Console(stderr=stderr, highlight=False, width=PLAIN_WIDTH)


def write(console: "Console", text: str, *, style: str | None = None) -> None:
    """Print a sentence with markup: wrapped between words on a terminal, on one line where a program may read it."""
    console.print(text, style=style, soft_wrap=not console.is_terminal)


def print_json(value: Any) -> None:
    """Print one JSON document on stdout, at once: a server may run for hours after it."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def percent(share: float | str) -> str:
    """Return 93.8 % for 0.938; what is nearly certain is not rounded to certainty."""
    value = float(share) * 100
    if 99.95 <= value < 100:
        return "> 99.9 %"
    if 0 < value < 0.05:
        return "< 0.1 %"
    return f"{value:.1f} %"


def shown(path: Path) -> str:
    """Return a path as one would type it: relative where it lies below the current folder."""
    absolute, here = path.absolute(), Path.cwd()
    return str(absolute.relative_to(here)) if absolute.is_relative_to(here) else str(absolute)
