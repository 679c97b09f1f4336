"""Options that parts with results of their own share; imports nothing that is slow."""

import argparse
import os
from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).resolve().parents[2]
DATA_VARIABLE: Final = "TRANSFERMODEL_BENCH_DATA"


def data_option(parser: argparse.ArgumentParser) -> None:
    """Add where the data sets lie."""
    parser.add_argument(
        "--data",
        type=Path,
        metavar="FOLDER",
        default=Path(os.environ.get(DATA_VARIABLE) or REPOSITORY.parent / "shared/data"),
        help=f"real data sets (default ${DATA_VARIABLE}, else ../shared/data); what is missing is left out",
    )


def output_options(parser: argparse.ArgumentParser, results: Path, page: Path) -> None:
    """Add where the results and the page of a part go, by default there."""
    parser.add_argument("--results", type=Path, default=results, metavar="FILE", help=argparse.SUPPRESS)
    parser.add_argument("--page", type=Path, default=page, metavar="FILE", help=argparse.SUPPRESS)


def names(text: str) -> list[str]:
    """Return the names between commas."""
    return [name.strip() for name in text.split(",") if name.strip()]
