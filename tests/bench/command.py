"""How long the command takes before it does anything, beside a Python that does nothing: interleaved, one run each."""

import subprocess
import sys
import time
from collections.abc import Sequence

from tests.bench.figures import Figure

PROGRAMS = {
    "python -c pass": ("-c", "pass"),
    "import transfermodel": ("-c", "import transfermodel"),
    "transfermodel --help": ("-m", "transfermodel_cli", "--help"),
    "transfermodel run --help": ("-m", "transfermodel_cli", "run", "--help"),
}
TARGETS = {"transfermodel --help": 0.3}
RUNS_PER_ROUND = 4


def measure(rounds: int) -> list[Figure]:
    """Run each program so many times; whole processes, from start to end."""
    seconds: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    for _ in range(rounds * RUNS_PER_ROUND):
        for name, arguments in PROGRAMS.items():
            seconds[name].append(run(arguments))
    return [
        Figure(name, "s", tuple(values), target=TARGETS.get(name), note="a whole process")
        for name, values in seconds.items()
    ]


def run(arguments: Sequence[str]) -> float:
    """Return the seconds that Python takes with these arguments."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun
