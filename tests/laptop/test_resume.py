"""The real trainer, ended anywhere: started again it goes on, and publishes what it would have anyway."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from transfermodel_operator.api import RunResult

from tests.support import datasets

FINE_TUNING = {
    "backbone": {"name": "torchvision/mobilenet_v3_small", "weights": {"scratch": True}, "input": {"size": 32}},
    "training": {
        "strategy": "FineTuning",
        "fineTuning": {"unfreeze": "All", "epochs": 5, "learningRate": "1e-3", "batchSize": 16},
        "checkpointIntervalSeconds": 0,
    },
}
STEPS = 5
"""Of an epoch: about 72 images are learned from, in batches of 16."""


class Trainer:
    """Runs one request again and again, in its own folders."""

    def __init__(self, folder: Path, data: Path, changes: dict[str, Any]) -> None:
        """Take where to work, what to learn from, and the rest of the request."""
        self.folder = folder
        self.request = {
            "run": "0" * 64,
            "namespace": "tests",
            "name": "colours",
            "task": "ImageClassification",
            "data": {"train": {"uri": f"file://{data}"}},
            "outputUri": f"file://{folder}/models",
        } | changes

    def run(self, end: signal.Signals | None = None, when: Callable[[str], bool] = bool) -> tuple[int, list[str]]:
        """Run to the end, or end it by a signal after a line that is such; return exit code and lines."""
        own = {
            "TRANSFERMODEL_RUN": json.dumps(self.request),
            "TRANSFERMODEL_TERMINATION_LOG": f"{self.folder}/last-words",
            "TRANSFERMODEL_CHECKPOINTS": f"{self.folder}/checkpoints",
            "XDG_CACHE_HOME": f"{self.folder}/cache",
            "TMPDIR": f"{self.folder}/temporary",
        }
        (self.folder / "temporary").mkdir(parents=True, exist_ok=True)
        process = subprocess.Popen(
            [sys.executable, "-m", "transfermodel_trainer"],
            env=dict(os.environ) | own,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert process.stdout is not None
        lines = []
        try:
            for line in process.stdout:
                lines.append(line.rstrip())
                if end is not None and when(line):
                    process.send_signal(end)
                    end = None
            return process.wait(60), lines
        finally:
            process.kill()
            process.communicate()

    def result(self) -> RunResult:
        """Return what it published."""
        return RunResult.model_validate_json((self.folder / "last-words").read_text())

    def kept(self) -> list[str]:
        """Return the checkpoints that are left."""
        return [path.name for path in (self.folder / "checkpoints").iterdir()]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty images of each of three colours."""
    folder = tmp_path_factory.mktemp("data")
    for name, content in datasets.folder(per_class=30).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def in_phase(name: str) -> Callable[[str], bool]:
    return lambda line: f'"phase": "{name}"' in line


def test_fine_tuning_ended_anywhere_publishes_the_same_artifact(data: Path, tmp_path: Path) -> None:
    whole = Trainer(tmp_path / "whole", data, FINE_TUNING)
    assert whole.run()[0] == 0
    trainer = Trainer(tmp_path / "ended", data, FINE_TUNING)

    code, lines = trainer.run(signal.SIGTERM, in_phase("Backbone"))
    assert (code, done_before(lines)) == (143, 0)
    assert lines[-1] == "Stopped by SIGTERM; nothing was published."

    code, lines = trainer.run(signal.SIGTERM, lambda line: line.startswith("Epoch 2/5"))
    assert code == 143, lines[-1]
    assert lines[-1] == "Stopped by SIGTERM; nothing was published."
    assert [line for line in lines if line.startswith("Kept what was learned in ")]
    assert not (tmp_path / "ended" / "last-words").exists()

    code, lines = trainer.run(signal.SIGKILL, lambda line: line.startswith("Epoch 4/5"))
    assert code == -signal.SIGKILL
    assert done_before(lines) >= 2 * STEPS
    assert "Epoch 2/5" not in "".join(lines)

    code, lines = trainer.run(signal.SIGTERM, in_phase("Evaluation"))
    assert code == 143, lines[-1]
    assert done_before(lines) > 2 * STEPS, "the last checkpoint before it was killed"

    code, lines = trainer.run(signal.SIGINT, in_phase("Publishing"))
    assert (code, done_before(lines)) == (130, 5 * STEPS), "nothing is trained again"
    assert lines[-1] == "Stopped by SIGINT; nothing was published."
    assert not list((tmp_path / "ended" / "models").glob("**/result.json"))

    code, lines = trainer.run()
    assert (code, done_before(lines)) == (0, 5 * STEPS)
    assert trainer.result().digest == whole.result().digest
    assert trainer.result().metrics == whole.result().metrics
    assert trainer.kept() == []
    assert not list((tmp_path / "whole" / "temporary").glob("transfermodel-*")), "temporary files are removed"

    code, lines = trainer.run()
    assert (code, trainer.result().reused) == (0, True), "nothing changed, nothing is trained"


def done_before(lines: list[str]) -> int:
    """Return the step after which the run resumed; 0 when it did not."""
    found = [line for line in lines if line.startswith("Resuming after")]
    return int(found[0].split()[2]) if found else 0


def test_a_feature_pass_goes_on_in_the_middle(data: Path, tmp_path: Path) -> None:
    small = {"name": "torchvision/squeezenet1_1", "weights": {"scratch": True}, "input": {"size": 32}}
    base = Trainer(tmp_path / "base", data, FINE_TUNING | {"backbone": small})
    assert base.run()[0] == 0
    made = base.result()
    artifact = {"transferModel": "base", "version": "v1", "uri": made.uri, "digest": made.digest}
    # At 128 pixels a batch holds 16 images.
    backbone = {"base": artifact, "input": {"size": 128}}
    # Every batch is kept: on tiny data there would be nothing to keep.
    changes = {"backbone": backbone, "training": {"strategy": "FeatureExtraction", "checkpointIntervalSeconds": 0}}
    whole = Trainer(tmp_path / "whole", data, changes)
    code, lines = whole.run()
    assert code == 0, lines[-1]
    trainer = Trainer(tmp_path / "ended", data, changes)
    features = tmp_path / "ended" / "models" / "tests" / ".features"
    code, _ = trainer.run(signal.SIGKILL, lambda line: len(list(features.rglob("*.safetensors"))) >= 2)
    assert code == -signal.SIGKILL
    code, lines = trainer.run()
    assert code == 0, lines[-1]
    said = [line for line in lines if line.startswith("The features of ")]
    assert said[0].endswith(" of 90 samples (plain) were computed before.")
    assert int(said[0].split()[3]) >= 32
    assert trainer.result().digest == whole.result().digest
