"""Options that several commands share and that are no matter of where a model is (those are in target.py)."""

from pathlib import Path
from typing import Annotated

import typer

FileOption = Annotated[
    Path,
    typer.Option("-f", "--file", metavar="FILE", help="File with one TransferModel or several; - reads stdin."),
]
