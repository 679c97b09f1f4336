"""The options of the part; imports nothing that is slow."""

import argparse
import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
RESULTS = REPOSITORY / "bench/results/training.json"
PAGE = REPOSITORY / "docs/benchmarks/training.md"
DATA_VARIABLE = "TRANSFERMODEL_BENCH_DATA"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add them."""
    parser.add_argument("--quick", action="store_true", help="try the program out on tiny data; nothing is written")
    parser.add_argument("--data-sets", type=names, metavar="NAMES", help="only these, such as digits,sst2")
    parser.add_argument("--sizes", type=names, metavar="SIZES", help="only these, such as 5,20,all")
    parser.add_argument(
        "--methods",
        type=names,
        metavar="NAMES",
        help="only these; what is very long (bit, and T0 on much data) takes part only if named here",
    )
    parser.add_argument("--seeds", type=int, default=3, metavar="COUNT", help="turns of each method (default 3)")
    data_option(parser)
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FILE", help=argparse.SUPPRESS)
    parser.add_argument("--page", type=Path, default=PAGE, metavar="FILE", help=argparse.SUPPRESS)


def data_option(parser: argparse.ArgumentParser) -> None:
    """Add where the data sets lie."""
    parser.add_argument(
        "--data",
        type=Path,
        metavar="FOLDER",
        default=Path(os.environ.get(DATA_VARIABLE) or REPOSITORY.parent / "shared/data"),
        help=f"real data sets (default ${DATA_VARIABLE}, else ../shared/data); what is missing is left out",
    )


def names(text: str) -> list[str]:
    """Return the names between commas."""
    return [name.strip() for name in text.split(",") if name.strip()]
