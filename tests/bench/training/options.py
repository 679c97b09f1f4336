"""The options of the part; imports nothing that is slow."""

import argparse

from tests.bench.options import REPOSITORY, data_option, names, output_options

RESULTS = REPOSITORY / "bench/results/training.json"
PAGE = REPOSITORY / "docs/benchmarks/training.md"


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
    output_options(parser, RESULTS, PAGE)
