"""What every demo prints with."""

from pathlib import Path

from rich.console import Console

REPOSITORY = Path(__file__).resolve().parents[2]
BUILD = REPOSITORY / "build"
"""Below it lies what demos leave behind."""


def heading(console: Console, text: str) -> None:
    """Begin a part."""
    console.print(f"\n[bold]{text}[/]")


def command(console: Console, text: str) -> None:
    """Print a command on one line, however long, so that it can be copied."""
    console.print(f"    {text}", markup=False, soft_wrap=True)
