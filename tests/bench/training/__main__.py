"""The part alone: `python -m tests.bench.training [--quick] [--methods NAMES] …`."""

import argparse
import sys

from tests.bench.training import part
from tests.bench.training.options import add_options


def main() -> int:
    """Measure; return 1 when an option makes no sense."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.training", description=__doc__)
    add_options(parser)
    try:
        part.run(parser.parse_args())
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
