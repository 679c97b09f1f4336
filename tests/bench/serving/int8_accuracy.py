"""What Int8 costs in accuracy: the trainer's own program on real photographs, and what it says of both graphs."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from transfermodel_operator.api import RunBackbone, RunRequest, RunResult
from transfermodel_operator.api.run import REQUEST_VARIABLE, RunData, RunTraining
from transfermodel_operator.api.spec import DataSource, Input, Weights
from transfermodel_trainer.main import TERMINATION_LOG_VARIABLE

from tests.bench.serving.bench import Bench, NotHere, Visit

PART: Final = "int8-accuracy"
DATA_SET: Final = "horse-ship-truck"
IMAGES: Final = f"images/{DATA_SET}"
WEIGHTS: Final = "weights/resnet18-cifar7-64px.safetensors"
SIZE: Final = 64
LIMIT_SECONDS: Final = 1200


def measure(bench: Bench) -> Iterator[Visit]:
    """Train once, on data that are not the test's, and read what the run's result says.

    Raises:
        NotHere: the real data are not on this machine.
    """
    for name in (IMAGES, WEIGHTS):
        if not (bench.data / name).exists():
            raise NotHere(f"there is no {name} in the folder of data sets (--data)")
    result = train(bench.data.resolve(), bench.folder / PART)
    check = result.int8
    if check is None or check.accuracy is None or check.float32_accuracy is None:
        raise RuntimeError(f"The trainer made no graph in Int8: {check.refusal if check else 'it says nothing of one'}")
    int8, float32 = float(check.accuracy), float(check.float32_accuracy)
    bench.say(f"{PART}: {int8:.4f} with Int8, {float32:.4f} with Float32, of {check.samples} test images")
    samples = float(check.samples or 0)
    loss = (float32 - int8) * 100
    yield Visit(PART, DATA_SET, "ours", 0, {"accuracy": float32, "samples": samples})
    yield Visit(PART, DATA_SET, "ours-int8", 0, {"accuracy": int8, "lossPoints": loss, "samples": samples})


def train(data: Path, folder: Path) -> RunResult:
    """Run the trainer as its Job does, and return its result. Raises RuntimeError where it fails."""
    folder.mkdir(parents=True)
    request = RunRequest(
        run="0" * 40,
        namespace="bench",
        name="int8",
        task="ImageClassification",
        backbone=RunBackbone(
            name="torchvision/resnet18",
            weights=Weights(uri=(data / WEIGHTS).as_uri()),
            input=Input(size=SIZE),
        ),
        data=RunData(
            train=DataSource(uri=(data / IMAGES / "train").as_uri()),
            test=DataSource(uri=(data / IMAGES / "test").as_uri()),
        ),
        training=RunTraining(strategy="FeatureExtraction", seed=0),
        output_uri=folder.as_uri(),
    )
    said = folder / "termination-log"
    environment = os.environ | {
        REQUEST_VARIABLE: request.model_dump_json(by_alias=True, exclude_none=True),
        TERMINATION_LOG_VARIABLE: str(said),
        "XDG_CACHE_HOME": str(folder / "cache"),
    }
    done = subprocess.run(
        [sys.executable, "-m", "transfermodel_trainer"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        words = said.read_text() if said.exists() else done.stderr[-1000:]
        raise RuntimeError(f"The trainer ended with {done.returncode}: {words}")
    return RunResult.model_validate_json(said.read_text())
