"""The command line: every command in the order of a newcomer's day, in the groups of `--help`."""

from collections.abc import Callable
from typing import Annotated

import typer

from transfermodel_cli.commands.describe import describe
from transfermodel_cli.commands.doctor import doctor
from transfermodel_cli.commands.init import init
from transfermodel_cli.commands.logs import logs
from transfermodel_cli.commands.plan import plan
from transfermodel_cli.commands.predict import predict
from transfermodel_cli.commands.report import report
from transfermodel_cli.commands.run import run
from transfermodel_cli.commands.status import status
from transfermodel_cli.commands.validate import validate
from transfermodel_cli.commands.versions import versions
from transfermodel_cli.help import Command, CommandGroup
from transfermodel_cli.names import is_kubectl_plugin, program_name

GROUPS: dict[str, tuple[Callable[..., int | None], ...]] = {
    "Prepare": (init, validate, plan),
    "Run": (run,),
    "Ask": (predict,),
    "Look": (status, describe, logs, report, versions, doctor),
}

EPILOG = f"""A first model: {program_name()} init FOLDER, then {program_name()} run -f FILE --serve.

Exit status: 0 well, 1 failed, 2 wrong command line, 3 invalid file or data, 4 not found, 5 unreachable, 6 not ready,
130 interrupted."""

app = typer.Typer(
    name="transfermodel",
    cls=CommandGroup,
    epilog=EPILOG,
    # Completion of a plugin is kubectl's affair: it asks kubectl_complete-transfermodel.
    add_completion=not is_kubectl_plugin(),
    pretty_exceptions_enable=False,
    # Markup would import rich for the help alone: 0.2 s. `help.py` groups and emphasises without it.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


def show_version(wanted: bool) -> None:
    """Print the version and end."""
    if wanted:
        from importlib.metadata import version

        typer.echo(f"transfermodel {version('transfermodel')}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def transfermodel(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=show_version, is_eager=True)
    ] = False,
) -> None:
    """Transfer learning from one YAML file: on this machine, or in a Kubernetes cluster."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


for group, commands in GROUPS.items():
    for command in commands:
        app.command(cls=Command, rich_help_panel=group)(command)
