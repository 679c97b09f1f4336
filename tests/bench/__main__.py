"""Measure the whole: `make bench`, or `python -m tests.bench [--only NAME] [--json FILE]`.

Most parts need a cluster that is up; those that do not run without one. Never run it beside anything else: figures of a
busy machine are figures of the other load.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from devcluster import cluster
from tests.bench import command, footprint, loop
from tests.bench.audit import AuditLog
from tests.bench.figures import Figure, table, write_json
from tests.support.stack import Stack

Options = argparse.Namespace


@dataclass(frozen=True)
class OnCluster:
    """A part that measures a cluster."""

    measure: Callable[[Stack, Options], list[Figure]]


@dataclass(frozen=True)
class Anywhere:
    """A part that needs nothing but this machine."""

    measure: Callable[[Options], list[Figure]]


def main() -> int:
    """Measure, print, and return 1 when something could not be measured; a missed target is only said."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description=__doc__,
        epilog="With --only training or --only serving also theirs: see python -m tests.bench.training --help.",
    )
    parser.add_argument("--rounds", type=int, default=5, help="of what has no options of its own")
    parser.add_argument("--wakes", type=int, default=20)
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="also write every value, but those of training and serving"
    )
    parser.add_argument("--only", action="append", metavar="NAME", help="one of: " + ", ".join(PARTS))
    options, others = parser.parse_known_args()
    if unknown := set(options.only or ()) - set(PARTS):
        parser.error(f"no such bench: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    parts = {name: part for name, part in PARTS.items() if not options.only or name in options.only}
    if others and (len(parts) != 1 or not parts.keys() <= OWN_PROGRAMS):
        parser.error(f"no such option: {' '.join(others)} (those of one part go with --only)")
    options.others = others
    stack: Stack | None = None
    if any(isinstance(part, OnCluster) for part in parts.values()):
        try:
            stack = Stack.discover()
        except RuntimeError as error:
            alone = ", ".join(name for name, part in PARTS.items() if isinstance(part, Anywhere))
            print(f"{error}\nWithout a cluster `--only` measures {alone}.", file=sys.stderr)
            return 1
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, load {load:.1f} at the start", flush=True)
    if load > 1.0:
        print("Something else is running: the figures will be worse than they are.", flush=True)

    figures: list[Figure] = []
    failed: list[str] = []
    for name, part in parts.items():
        begun = time.monotonic()
        try:
            if isinstance(part, Anywhere):
                figures += part.measure(options)
            elif stack is not None:
                figures += part.measure(stack, options)
        except (AssertionError, RuntimeError, OSError, subprocess.SubprocessError) as error:
            print(f"{name}: not measured: {error}", file=sys.stderr, flush=True)
            failed.append(name)
            continue
        print(f"{name}: {time.monotonic() - begun:.0f} s", flush=True)
    if figures:
        print(f"\n{table(figures)}")
    if options.json:
        write_json(figures, options.json)
    return 1 if failed else 0


def api_writes(stack: Stack, options: Options) -> list[Figure]:
    """Count the operator's writes."""
    path = cluster.control_plane().audit_log
    if not path.exists():
        raise RuntimeError(f"there is no audit log ({path}): it is a part of the devcluster")
    return loop.writes(stack, AuditLog(path), rounds=min(options.rounds, 3))


def own_program(name: str, options: Options) -> list[Figure]:
    """Compare with baselines, in a process with an environment of its own; the results are its own, too."""
    subprocess.run([sys.executable, "-m", f"tests.bench.{name}", *options.others], check=True)
    return []


PARTS: dict[str, OnCluster | Anywhere] = {
    # Memory first, while nothing has happened yet.
    "image-sizes": OnCluster(lambda _stack, _options: footprint.image_sizes()),
    "operator-memory": OnCluster(lambda stack, _options: footprint.operator_memory(stack)),
    "first-prediction": OnCluster(lambda stack, options: loop.first_prediction(stack, options.rounds)),
    "api-writes": OnCluster(api_writes),
    "wake": OnCluster(lambda stack, options: loop.wake(stack, options.wakes)),
    "command": Anywhere(lambda options: command.measure(options.rounds)),
    "serving": Anywhere(lambda options: own_program("serving", options)),
    "training": Anywhere(lambda options: own_program("training", options)),
}
OWN_PROGRAMS = {"serving", "training"}


if __name__ == "__main__":
    sys.exit(main())
