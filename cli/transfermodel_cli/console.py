"""What every command prints with: words for people on stderr or a terminal, data as JSON for programs."""

import json
import sys
from functools import cache
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


def print_json(value: Any) -> None:
    """Print one JSON document on stdout."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
