"""Tensors by version 2, as JSON and as binary data, to a network that computes next to nothing."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from tests.bench.rounds import order
from tests.bench.serving.bench import Bench, Visit
from tests.bench.serving.load.plan import Plan
from tests.bench.serving.load.process import run
from tests.bench.serving.material import SIZE, no_operation, write_bodies
from tests.bench.serving.photographs import USUAL
from tests.bench.serving.servers import MODEL, ours
from tests.bench.serving.traffic import check_answered

PART: Final = "binary"
SUBJECT: Final = f"no operation, {SIZE} x {SIZE} pixels"
INFER: Final = f"/v2/models/{MODEL}/infer"
CONCURRENCIES: Final = (1, 8)


@dataclass(frozen=True)
class Form:
    """A body of the same tensor, and its headers."""

    name: str
    body: str
    """A file."""
    headers: Mapping[str, str]


def measure(bench: Bench) -> Iterator[Visit]:
    """Ask one server in both forms, in turns."""
    effort = bench.effort
    pixels = np.random.default_rng(0).integers(0, 256, (1, SIZE, SIZE, 3), np.uint8)
    both = forms(pixels, bench.scratch(PART))
    (first, *_) = write_bodies(bench.photographs(USUAL).files[:1], bench.scratch(PART, "first"))
    with ours(no_operation(bench.folder)).start(bench.scratch(PART)) as server:
        server.first_answer(Path(first).read_bytes())
        for number in range(effort.rounds):
            for form in order(both, number):
                figures: dict[str, float] = {"failed": 0.0, "kilobytes": Path(form.body).stat().st_size / 1e3}
                for concurrency in CONCURRENCIES:
                    plan = Plan(
                        server.port,
                        INFER,
                        (form.body,),
                        headers=form.headers,
                        connections=concurrency,
                        seconds=effort.seconds / 2,
                        warm_up_seconds=effort.warm_up_seconds / 2,
                    )
                    seen = run(plan)
                    check_answered(seen, f"In the form {form.name}")
                    figures[f"requestsPerSecond{concurrency}"] = seen.rate
                    figures["failed"] += seen.failed
                    figures["generatorShare"] = max(figures.get("generatorShare", 0.0), seen.processor_share)
                bench.say(
                    f"{PART}, {form.name}, round {number}: "
                    + ", ".join(f"{figures[f'requestsPerSecond{each}']:.0f}" for each in CONCURRENCIES)
                    + " requests/s"
                )
                yield Visit(PART, SUBJECT, form.name, number, figures)


def forms(pixels: np.ndarray[Any, np.dtype[np.uint8]], folder: Path) -> list[Form]:
    """Write the tensor (N, H, W, 3) in both forms."""
    entry: dict[str, Any] = {"name": "pixels", "datatype": "UINT8", "shape": list(pixels.shape)}
    as_json = json.dumps({"inputs": [entry | {"data": pixels.ravel().tolist()}]}, separators=(",", ":")).encode()
    raw = pixels.tobytes()
    head = json.dumps({"inputs": [entry | {"parameters": {"binary_data_size": len(raw)}}]}).encode()
    (folder / "json").write_bytes(as_json)
    (folder / "binary").write_bytes(head + raw)
    length = {"Content-Type": "application/octet-stream", "Inference-Header-Content-Length": str(len(head))}
    return [Form("binary", str(folder / "binary"), length), Form("json", str(folder / "json"), {})]
