"""The command line: every command in the order of a newcomer's day."""

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

app = typer.Typer(
    name="transfermodel",
    help="Transfer learning from one YAML file: on this machine, or in a Kubernetes cluster.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for command in (init, validate, plan, run, predict, status, describe, logs, report, versions, doctor):
    app.command()(command)
