"""A TransferModel without a file."""

from pathlib import Path

import pytest
import transfermodel
import yaml
from transfermodel.documents import Target, check
from transfermodel.errors import DocumentInvalid
from transfermodel_operator.runs.key import fixed_fields

from tests.support.library import write_data

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Train and test data in the working directory."""
    write_data(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_simplest_takes_torchvisions_own_weights(data: Path) -> None:
    document = transfermodel.transfer_model("colours", train="train", test=data / "test")
    assert (document.name, document.namespace, document.folder) == ("colours", "default", data)
    assert document.manifest["spec"] == {
        "task": "ImageClassification",
        "backbone": {"name": "torchvision/resnet18", "weights": {"name": "DEFAULT"}},
        "data": {"train": {"uri": "train"}, "test": {"uri": str(data / "test")}},
    }


def test_its_yaml_is_a_file_that_says_the_same(data: Path) -> None:
    document = transfermodel.transfer_model(
        "colours",
        train="train",
        backbone="torchvision/squeezenet1_1",
        weights="scratch",
        input_size=32,
        fine_tuning={"epochs": 2, "learningRate": "6e-3"},
        seed=3,
        namespace="team",
    )
    file = data / "colours.yaml"
    file.write_text(document.to_yaml())
    checked = check(file, Target.LOCAL)
    assert checked.errors == ()
    assert checked.documents[0].spec == document.spec
    assert yaml.safe_load(document.to_yaml())["spec"]["training"] == {
        "strategy": "FineTuning",
        "fineTuning": {"unfreeze": "All", "epochs": 2, "learningRate": "6e-3"},
        "seed": 3,
    }


def test_a_search_knows_what_was_written() -> None:
    document = transfermodel.transfer_model(
        "colours", train="train", strategy="Auto", fine_tuning={"epochs": 5}, search={"trials": 20}
    )
    training = document.spec.training
    assert training.search is not None
    assert (training.search.trials, training.search.max_parallel) == (20, 1)
    assert fixed_fields(training) == ["epochs"]
    with pytest.raises(DocumentInvalid, match="a search must know when to end"):
        transfermodel.transfer_model("colours", train="train", search={"maxParallel": 2})


def test_a_backbone_without_a_slash_is_a_transfer_model() -> None:
    document = transfermodel.transfer_model("colours", train="train", backbone="base")
    assert document.manifest["spec"]["backbone"] == {"fromTransferModel": "base"}


def test_a_weights_file_is_a_uri() -> None:
    document = transfermodel.transfer_model("colours", train="train", weights="own.safetensors", input_size=32)
    assert document.manifest["spec"]["backbone"]["weights"] == {"uri": "own.safetensors"}


def test_all_errors_come_at_once_as_sentences() -> None:
    with pytest.raises(DocumentInvalid) as raised:
        transfermodel.transfer_model("Colours", train="train", weights="scratch", fine_tuning={"epochs": 0})
    text = str(raised.value)
    assert "no name of Kubernetes" in text
    assert "input is required" in text
    assert "epochs" in text


def test_weights_with_a_transfer_model_are_refused() -> None:
    with pytest.raises(DocumentInvalid, match="weights goes with name, not with fromTransferModel"):
        transfermodel.transfer_model("colours", train="train", backbone="base", weights="DEFAULT")


def test_an_encoder_makes_it_a_task_of_texts(data: Path) -> None:
    (data / "minilm").mkdir()
    document = transfermodel.transfer_model(
        "reviews",
        train="train.csv",
        backbone="sentence-transformers/all-MiniLM-L6-v2",
        weights=data / "minilm",
        strategy="Auto",
        columns={"textColumn": "review"},
    )
    assert document.manifest["spec"] == {
        "task": "TextClassification",
        "backbone": {
            "name": "sentence-transformers/all-MiniLM-L6-v2",
            "weights": {"uri": str(data / "minilm")},
        },
        "data": {"train": {"uri": "train.csv"}, "format": {"textColumn": "review"}},
        "training": {"strategy": "Auto"},
    }


def test_recordings_are_said_to_be_such(data: Path) -> None:
    document = transfermodel.transfer_model(
        "digits", train="train", task="AudioClassification", weights="./own.safetensors"
    )
    assert document.spec.task == "AudioClassification"
    assert document.spec.backbone.weights is not None
    assert document.spec.backbone.weights.uri == "./own.safetensors"
