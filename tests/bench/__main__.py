"""Measure the whole: `make bench`, or `python -m tests.bench [--only NAME] [--json FILE]` on a cluster that is up.

Never run it beside anything else: figures of a busy machine are figures of the other load.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from devcluster import cluster
from tests.bench import command, footprint, loop
from tests.bench.audit import AuditLog
from tests.bench.figures import Figure, table, write_json
from tests.support.stack import Stack


def main() -> int:
    """Measure, print, and return 1 when something could not be measured; a missed target is only said."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="of everything but the wake and memory")
    parser.add_argument("--wakes", type=int, default=20)
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every value")
    parser.add_argument("--only", action="append", metavar="NAME", help="one of: " + ", ".join(NAMES))
    options = parser.parse_args()
    if unknown := set(options.only or ()) - set(NAMES):
        parser.error(f"no such bench: {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    try:
        stack = Stack.discover()
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, load {load:.1f} at the start", flush=True)
    if load > 1.0:
        print("Something else is running: the figures will be worse than they are.", flush=True)

    figures: list[Figure] = []
    failed: list[str] = []
    for name, measure in benches(stack, options.rounds, options.wakes).items():
        if options.only and name not in options.only:
            continue
        begun = time.monotonic()
        try:
            measured = measure()
        except (AssertionError, RuntimeError, OSError, subprocess.SubprocessError) as error:
            print(f"{name}: not measured: {error}", file=sys.stderr, flush=True)
            failed.append(name)
            continue
        print(f"{name}: {time.monotonic() - begun:.0f} s", flush=True)
        figures += measured
    print()
    print(table(figures))
    if options.json:
        write_json(figures, options.json)
    return 1 if failed else 0


NAMES = ("image-sizes", "operator-memory", "first-prediction", "api-writes", "wake", "predictor-start", "command")


def benches(stack: Stack, rounds: int, wakes: int) -> dict[str, Callable[[], list[Figure]]]:
    """Return what there is to measure, in order: memory first, while nothing has happened yet."""

    def api_writes() -> list[Figure]:
        path = cluster.control_plane().audit_log
        if not path.exists():
            raise RuntimeError(f"there is no audit log ({path}): it is a part of the devcluster")
        return loop.writes(stack, AuditLog(path), rounds=min(rounds, 3))

    def predictor_start() -> list[Figure]:
        from tests.bench import predictor_start as bench  # needs torch: only where it is asked for

        return [figure for name in ("resnet18", "resnet50") for figure in bench.measure(name, rounds, seconds=5.0)]

    measures = (
        footprint.image_sizes,
        lambda: footprint.operator_memory(stack),
        lambda: loop.first_prediction(stack, rounds),
        api_writes,
        lambda: loop.wake(stack, wakes),
        predictor_start,
        lambda: command.measure(rounds),
    )
    return dict(zip(NAMES, measures, strict=True))


if __name__ == "__main__":
    sys.exit(main())
