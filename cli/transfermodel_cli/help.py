"""How help looks: commands in groups, headings that stand out; without rich, whose import alone takes 0.2 s."""

import os
import re
import sys
from itertools import groupby
from typing import TYPE_CHECKING

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

if TYPE_CHECKING:
    from typer._click import Context, HelpFormatter

HEADING = re.compile(r"^(Usage|[A-Z][a-z]+):(?= |$)", re.MULTILINE)


def emphasised(text: str) -> str:
    """Return help with bold headings, where a person reads it."""
    if not sys.stdout.isatty() or "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb":
        return text
    return HEADING.sub(lambda heading: typer.style(heading.group(), bold=True), text)


class Command(TyperCommand):
    """One command."""

    def get_help(self, ctx: "Context") -> str:
        """Return the help of the command."""
        return emphasised(super().get_help(ctx))

    def format_options(self, ctx: "Context", formatter: "HelpFormatter") -> None:
        """Write arguments and options."""
        for parameter in self.params:
            if isinstance(parameter, TyperArgument):
                # Its name and its help say what it is; <list[Path]> says it to programmers alone.
                setattr(parameter, "display_type_rich", lambda ctx: None)  # noqa: B010 - a method, to mypy
        super().format_options(ctx, formatter)


class CommandGroup(TyperGroup):
    """All commands."""

    def parse_args(self, ctx: "Context", args: list[str]) -> list[str]:
        """Read the options before the command's name."""
        for parameter in self.get_params(ctx):
            # Typer's own flags (help, completion) have None as default, and to see that this is no value it would
            # import pydantic: 0.25 s for the help of every command.
            if isinstance(parameter, TyperOption) and parameter.is_bool_flag and parameter.default is None:
                parameter.default = False
        return super().parse_args(ctx, args)

    def get_help(self, ctx: "Context") -> str:
        """Return the help of the program."""
        return emphasised(super().get_help(ctx))

    def format_commands(self, ctx: "Context", formatter: "HelpFormatter") -> None:
        """Write one section per group, in the order of their registration."""
        width = max(map(len, self.commands))
        for panel, commands in groupby(self.commands.items(), key=lambda item: getattr(item[1], "rich_help_panel", "")):
            with formatter.section(str(panel)):
                formatter.write_dl(
                    [
                        (name.ljust(width), command.get_short_help_str(limit=formatter.width - width - 6))
                        for name, command in commands
                    ]
                )
