"""The options of the part; imports nothing that is slow."""

import argparse
import os
from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).resolve().parents[3]
RESULTS: Final = REPOSITORY / "bench/results/serving.json"
PAGE: Final = REPOSITORY / "docs/benchmarks/serving.md"
DATA_VARIABLE: Final = "TRANSFERMODEL_BENCH_DATA"
BACKBONES: Final = ("resnet18", "resnet50")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add them."""
    parser.add_argument("--quick", action="store_true", help="try the program out in a minute; nothing is written")
    parser.add_argument("--parts", type=names, metavar="NAMES", help="only these, such as cold-start,traffic")
    parser.add_argument(
        "--backbones", type=names, default=list(BACKBONES), metavar="NAMES", help=f"default: {','.join(BACKBONES)}"
    )
    parser.add_argument("--visits", type=int, metavar="COUNT", help="rounds of all but starts and wakes (default 5)")
    parser.add_argument("--seconds", type=float, metavar="SECONDS", help="of each load (default 6)")
    parser.add_argument(
        "--data",
        type=Path,
        metavar="FOLDER",
        default=Path(os.environ.get(DATA_VARIABLE) or REPOSITORY.parent / "shared/data"),
        help=f"real data sets (default ${DATA_VARIABLE}, else ../shared/data); what is missing is left out",
    )
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FILE", help=argparse.SUPPRESS)
    parser.add_argument("--page", type=Path, default=PAGE, metavar="FILE", help=argparse.SUPPRESS)


def names(text: str) -> list[str]:
    """Return the names between commas."""
    return [name.strip() for name in text.split(",") if name.strip()]
