"""What a run would take: measured with samples of the right kind, for every strategy."""

from pathlib import Path
from typing import Any

import pytest
from transfermodel_operator.api import RunRequest
from transfermodel_trainer.planning import measuring
from transfermodel_trainer.planning.estimate import Counts, Estimate
from transfermodel_trainer.strategies.usual import usual_plan

from tests.support import encoders
from tests.unit.trainer.test_backbones import backbone

COUNTS = Counts(classes=3, train=100, test=40, data_seconds=1.0)
SMALL = {"unfreeze": "All", "epochs": 4, "batchSize": 4}


@pytest.fixture(autouse=True)
def _brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure no longer than it takes once; export nothing, which takes seconds, unless a test wants it."""
    for name in ("FORWARD_SECONDS", "BACKWARD_SECONDS", "EXPORT_SECONDS"):
        monkeypatch.setattr(measuring, name, 0.05 if name != "EXPORT_SECONDS" else 0.0)


def estimate(request: RunRequest, tmp_path: Path, strategy: str, **training: Any) -> Estimate:
    asked = request.training.model_validate({"strategy": strategy} | training)
    return measuring.estimate(request.model_copy(update={"training": asked}), COUNTS, {}, tmp_path, 0.5)


@pytest.fixture
def text(tmp_path: Path) -> RunRequest:
    folder = encoders.write(tmp_path / "encoder", "bert")
    return backbone("TextClassification", name="transformers/tiny", weights={"uri": f"file://{folder}"})


@pytest.fixture
def picture() -> RunRequest:
    return backbone(
        "ImageClassification", name="torchvision/squeezenet1_1", weights={"scratch": True}, input={"size": 32}
    )


def test_auto_is_the_probe_and_fine_tuning(picture: RunRequest, tmp_path: Path) -> None:
    # So many epochs that a tenth of a second is not rounded away, however fast this machine is.
    found = estimate(picture, tmp_path, "Auto", fineTuning=SMALL | {"epochs": 1000})
    assert found.problem is None
    assert found.seconds["Training"] > 0
    assert found.seconds["total"] == pytest.approx(sum(found.seconds.values()) - found.seconds["total"], abs=0.5)
    assert found.learning_parameters == found.parameters
    probe = estimate(picture, tmp_path, "FeatureExtraction")
    assert probe.seconds["Training"] == 0
    assert probe.learning_parameters is not None
    assert found.learning_parameters is not None
    assert probe.learning_parameters < found.learning_parameters
    assert "images ran forward at 32 x 32 pixels" in probe.measured.replace(" and the network was exported", "")


def test_a_search_takes_as_long_as_its_trials_or_its_own_time(picture: RunRequest, tmp_path: Path) -> None:
    once = estimate(picture, tmp_path, "FineTuning", fineTuning=SMALL | {"epochs": 200})
    found = estimate(picture, tmp_path, "FineTuning", fineTuning=SMALL | {"epochs": 200}, search={"trials": 1000})
    assert found.seconds["Training"] == 0
    assert found.seconds["Search"] > 100 * once.seconds["Training"]
    assert found.seconds["total"] > found.seconds["Search"]
    bounded = {"trials": 1000, "maxDurationSeconds": 60}
    assert estimate(picture, tmp_path, "FeatureExtraction", search=bounded).seconds["Search"] <= 60
    assert estimate(picture, tmp_path, "FeatureExtraction", search={"maxDurationSeconds": 60}).seconds["Search"] == 60


def test_a_part_is_held_out_for_whoever_chooses_by_it(picture: RunRequest) -> None:
    sizes = {}
    for strategy in ("FeatureExtraction", "FineTuning", "Auto"):
        asked = picture.training.model_validate({"strategy": strategy})
        sizes[strategy] = measuring.split_sizes(picture.model_copy(update={"training": asked}), COUNTS)
    assert sizes == {"FeatureExtraction": (100, 0), "FineTuning": (80, 20), "Auto": (80, 20)}
    few, many = (usual_plan(count, images=True, pretrained=True).settings.epochs for count in (80, 8000))
    assert few > many


@pytest.mark.parametrize("strategy", ["FeatureExtraction", "FineTuning", "Auto"])
def test_texts(text: RunRequest, tmp_path: Path, strategy: str) -> None:
    tuning = {} if strategy == "FeatureExtraction" else {"fineTuning": SMALL}
    found = estimate(text, tmp_path, strategy, **tuning)
    assert found.input_size is None
    assert "texts ran forward" in found.measured
    assert "tokens" in found.measured
    assert found.seconds["Features"] >= 0
    assert found.memory_bytes is not None


def test_recordings_are_exported_as_what_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, picture: RunRequest
) -> None:
    monkeypatch.setattr(measuring, "EXPORT_SECONDS", 600.0)
    request = picture.model_copy(update={"task": "AudioClassification"})
    found = estimate(request, tmp_path, "FeatureExtraction")
    assert found.unknown == []
    assert "recordings ran forward" in found.measured
    assert "32 x 32 bands and frames" in found.measured
