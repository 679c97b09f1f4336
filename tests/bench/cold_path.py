"""What a start of the predictor costs, of several states of it in turns: from exec to the first prediction.

`python -m tests.bench.cold_path [--architecture A] [--rounds N] NAME=FOLDER[,VARIABLE=VALUE…] …`

FOLDER holds the package transfermodel_predictor, such as that of a git worktree of another commit; the variable PYTHON
chooses another interpreter, with its own packages. Processor time is what tells on a machine that does other things,
too: its minimum hardly moves.

    python -m tests.bench.cold_path now=predictor large-pages=predictor,GLIBC_TUNABLES=glibc.malloc.hugetlb=1
"""

import argparse
import compileall
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.rounds import order
from tests.bench.serving.material import prepare, write_bodies
from tests.bench.serving.memory import memory
from tests.bench.serving.photographs import MADE, USUAL, made
from tests.bench.serving.servers import COMPILED, MODEL, Server
from tests.support.predictor_process import free_port


@dataclass(frozen=True)
class State:
    """One state of the predictor."""

    name: str
    folder: Path
    python: str
    environment: dict[str, str]


@dataclass(frozen=True)
class Start:
    """One start: seconds and MB."""

    first_answer: float
    processor: float
    proportional: float


def state(text: str) -> State:
    """Read NAME=FOLDER[,VARIABLE=VALUE…]."""
    name, _, rest = text.partition("=")
    folder, *variables = rest.split(",")
    environment = dict(variable.partition("=")[::2] for variable in variables)
    if not (Path(folder) / "transfermodel_predictor").is_dir():
        raise argparse.ArgumentTypeError(f"{text!r}: there is no package transfermodel_predictor in {folder!r}")
    return State(name, Path(folder).resolve(), environment.pop("PYTHON", sys.executable), environment)


def start(of: State, settings: dict[str, str], body: bytes, log: Path) -> Start:
    """Start it, ask once, and end it."""
    port = free_port()
    environment: dict[str, Any] = {
        **{name: value for name, value in os.environ.items() if not name.startswith("TRANSFERMODEL_")},
        **COMPILED,
        **settings,
        "PORT": str(port),
        "PYTHONPATH": str(of.folder),
        **of.environment,
    }
    began = time.perf_counter()
    with log.open("wb") as output:
        command = [of.python, "-m", "transfermodel_predictor"]
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        seconds = Server(process, port, began, log).first_answer(body)
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        processor = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return Start(seconds, processor, memory(process.pid).proportional)
    finally:
        process.terminate()
        process.wait(60)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.cold_path", description=__doc__)
    parser.add_argument("--architecture", default="resnet50", help="of torchvision")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("states", nargs="+", type=state)
    options = parser.parse_args()
    found: dict[str, list[Start]] = {one.name: [] for one in options.states}
    with tempfile.TemporaryDirectory() as folder:
        (request,) = write_bodies([made(*MADE[USUAL], 0)], Path(folder, "requests"))
        body = Path(request).read_bytes()
        artifact = prepare(options.architecture, Path(folder, "network")).artifact
        settings = {
            "TRANSFERMODEL_HOST": "127.0.0.1",
            "TRANSFERMODEL_MODEL_NAME": MODEL,
            "TRANSFERMODEL_ARTIFACT_URI": artifact.uri,
            "TRANSFERMODEL_ARTIFACT_DIGEST": artifact.digest,
        }
        for one in options.states:
            compileall.compile_dir(one.folder, quiet=1)
        for number in range(options.rounds + 1):  # the first one fills the page cache
            for one in order(options.states, number):
                seen = start(one, settings, body, Path(folder, "log"))
                if number:
                    found[one.name].append(seen)
    print(f"{options.architecture}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}\n")
    print("| state | processor, least | processor, median | first answer, least | first answer, median | memory |")
    print("|---|---|---|---|---|---|")
    for name, starts in found.items():
        processor, answers = [one.processor for one in starts], [one.first_answer for one in starts]
        print(
            f"| {name} | {min(processor):.2f} s | {statistics.median(processor):.2f} s | {min(answers):.2f} s "
            f"| {statistics.median(answers):.2f} s | {statistics.median(one.proportional for one in starts):.0f} MB |"
        )


if __name__ == "__main__":
    main()
