"""The part alone: `python -m tests.bench.serving [--quick] [--parts NAMES] …`."""

import argparse
import sys

from tests.bench.serving.options import add_options


def main() -> int:
    """Measure; return 1 when something could not be measured, or an option makes no sense."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.serving", description=__doc__)
    add_options(parser)
    options = parser.parse_args()
    from tests.bench.serving import part  # needs torch: not for --help

    try:
        failed = part.run(options)
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    if failed:
        print("\n".join(failed), file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
