"""What TAB offers beyond commands and options; nothing here may fail or print, the user is in the middle of a line."""

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer


def model_names(context: typer.Context, incomplete: str) -> list[str]:
    """Return this machine's models; a cluster is not asked, it may be slow to answer."""
    names: list[str] = []
    with suppress(Exception):
        from transfermodel.workspace import Workspace

        folder = context.params.get("workspace")
        names = sorted({model.name for model in Workspace(Path(folder) if folder else None).models()})
    return [name for name in names if name.startswith(incomplete)]


NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="Name of the TransferModel.", autocompletion=model_names)
]
"""Every command that asks about one model takes it."""


def kubectl() -> None:
    """Answer kubectl, which calls `kubectl_complete-transfermodel WORD…` to complete its plugin; the last word is open.

    https://kubernetes.io/docs/tasks/extend-kubectl/kubectl-plugins/#shell-completion
    """
    import os
    import shlex
    import sys

    from transfermodel_cli.app import app

    words = sys.argv[1:] or [""]
    line = shlex.join(["transfermodel", *words[:-1]]) + " " + (shlex.quote(words[-1]) if words[-1] else "")
    # What fish is told is what kubectl wants: one word a line, a tab, and its help.
    os.environ |= {
        "_TRANSFERMODEL_COMPLETE": "complete_fish",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        "_TYPER_COMPLETE_ARGS": line,
    }
    with suppress(SystemExit):
        app(args=[], prog_name="transfermodel")
    # The directive: 0, the shell may offer files as well.
    print(":0")
