"""The predictor's own figures, without a cluster: exec -> ready, requests per second, memory.

`python -m tests.bench.predictor_start [--rounds N] [--seconds S]`; the model is torchvision's ResNet-18 or ResNet-50 at
224 pixels, with random weights: a network's speed does not depend on them.
"""

import argparse
import base64
import io
import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import torch
import torchvision
from PIL import Image
from transfermodel_trainer.publishing.export import export_onnx

from tests.bench.figures import Figure, table
from tests.support.colours import describe, write_artifact
from tests.support.predictor_process import MODEL, PredictorProcess, predictor

SIZE = 224
CLIENTS = 4


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.predictor_start", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=5.0, help="of requests in each round")
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start", flush=True)
    figures = [figure for name in ("resnet18", "resnet50") for figure in measure(name, options.rounds, options.seconds)]
    print(table(figures))


def measure(architecture: str, rounds: int, seconds: float) -> list[Figure]:
    """Start the predictor `rounds` times, and ask it for `seconds` each time."""
    labels = tuple(f"class {index}" for index in range(10))
    starts, rates, sizes = [], [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        network = torchvision.models.get_model(architecture, weights=None, num_classes=len(labels))
        export_onnx(network, {"images": torch.zeros(2, 3, SIZE, SIZE)}, folder / "model.onnx")
        model = (folder / "model.onnx").read_bytes()
        digest = write_artifact(folder / "artifact", model, describe(labels, SIZE).to_json())
        for _ in range(rounds):
            with predictor((folder / "artifact").as_uri(), digest, folder) as process:
                starts.append(process.wait_ready())
                rates.append(requests_per_second(process, seconds))
                sizes.append(resident_megabytes(process))
    megabytes = len(model) / 1e6
    return [
        Figure(f"{architecture}: exec -> ready", "s", tuple(starts), note=f"{megabytes:.0f} MB from a folder"),
        Figure(
            f"{architecture}: requests per second",
            "1/s",
            tuple(rates),
            note=f"{CLIENTS} clients, 640 x 480 JPEG, version 1",
        ),
        Figure(f"{architecture}: memory after them", "MB", tuple(sizes), note="resident"),
    ]


def requests_per_second(process: PredictorProcess, seconds: float) -> float:
    """Ask from several connections at once, one image a request."""
    pixels = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).resize((640, 480)).save(buffer, format="JPEG", quality=85)
    request = {"instances": [{"image": {"b64": base64.b64encode(buffer.getvalue()).decode()}}]}
    end = time.perf_counter() + seconds

    def ask(_: int) -> int:
        count = 0
        with httpx.Client(base_url=process.client.base_url, timeout=60, trust_env=False) as client:
            while time.perf_counter() < end:
                client.post(f"/v1/models/{MODEL}:predict", json=request).raise_for_status()
                count += 1
        return count

    with ThreadPoolExecutor(CLIENTS) as pool:
        begun = time.perf_counter()
        return sum(pool.map(ask, range(CLIENTS))) / (time.perf_counter() - begun)


def resident_megabytes(process: PredictorProcess) -> float:
    """Return the process's resident memory."""
    for line in Path(f"/proc/{process.process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1000
    raise AssertionError("the kernel does not tell VmRSS")


if __name__ == "__main__":
    main()
