"""The options of the part; imports nothing that is slow."""

import argparse
from typing import Final

from tests.bench.options import REPOSITORY, data_option, names, output_options

RESULTS: Final = REPOSITORY / "bench/results/serving.json"
PAGE: Final = REPOSITORY / "docs/benchmarks/serving.md"
BACKBONES: Final = ("resnet18", "resnet50")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add them."""
    parser.add_argument("--quick", action="store_true", help="try the program out in a minute; nothing is written")
    parser.add_argument("--parts", type=names, metavar="NAMES", help="only these, such as cold-start,traffic")
    parser.add_argument(
        "--backbones", type=names, default=list(BACKBONES), metavar="NAMES", help=f"default: {','.join(BACKBONES)}"
    )
    parser.add_argument("--visits", type=int, metavar="COUNT", help="rounds of all but starts and wakes (default 5)")
    parser.add_argument("--turns", type=int, metavar="COUNT", help="of each side from zero pods (default 20)")
    parser.add_argument("--bursts", type=int, metavar="COUNT", help="of many requests that find no pod (default 5)")
    parser.add_argument("--seconds", type=float, metavar="SECONDS", help="of each load (default 6)")
    data_option(parser)
    output_options(parser, RESULTS, PAGE)
