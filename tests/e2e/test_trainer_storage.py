"""The trainer against the real S3 server: its data, its output, and what wrong places and wrong keys are told."""

import json
import uuid
from typing import Any

import obstore
import pytest
from transfermodel_operator.api import FailureClass, Reason, RunRequest, RunResult
from transfermodel_predictor.artifact.load import fetch
from transfermodel_trainer import run
from transfermodel_trainer.errors import RunError
from transfermodel_trainer.progress import Progress

from tests.support import datasets
from tests.support.stack import Stack


class Place:
    """A prefix of this test in both buckets, and the credentials of a run."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.name = f"trainer-{uuid.uuid4().hex[:8]}"
        keys = {
            "AWS_ACCESS_KEY_ID": stack.s3["accessKey"],
            "AWS_SECRET_ACCESS_KEY": stack.s3["secretKey"],
            "AWS_ENDPOINT_URL": stack.s3["endpoint"],
        }
        prefixes = ("TRANSFERMODEL_DATA_", "TRANSFERMODEL_OUTPUT_")
        self.environment = {f"{prefix}{key}": value for prefix in prefixes for key, value in keys.items()}

    def upload(self, folder: str, files: datasets.Files) -> str:
        store = self.stack.store("datasets")
        for name, content in files.items():
            obstore.put(store, f"{self.name}/{folder}/{name}", content)
        return f"s3://datasets/{self.name}/{folder}"

    def request(self, train: str, **changes: Any) -> RunRequest:
        wire: dict[str, Any] = {
            "run": "1" * 40,
            "namespace": self.name,
            "name": "colours",
            "task": "ImageClassification",
            "backbone": {"name": "torchvision/squeezenet1_1", "weights": {"scratch": True}, "input": {"size": 32}},
            "data": {"train": {"uri": train}},
            "training": {
                "strategy": "FineTuning",
                "fineTuning": {"unfreeze": "All", "epochs": 1, "learningRate": "1e-3", "batchSize": 16},
            },
            "outputUri": "s3://models",
        }
        return RunRequest.model_validate_json(json.dumps(wire | changes))

    def execute(self, request: RunRequest, **environment: str) -> RunResult:
        return run.execute(request, self.environment | environment, Progress(quiet=True))

    def refused(self, request: RunRequest, **environment: str) -> RunError:
        with pytest.raises(RunError) as caught:
            self.execute(request, **environment)
        return caught.value


@pytest.fixture(scope="module")
def place(stack: Stack) -> Place:
    return Place(stack)


@pytest.fixture(scope="module")
def trained(place: Place) -> RunResult:
    """A run on a folder in S3 with names that need care in a URL."""
    files = {
        f"{'über red' if name.startswith('red') else name.split('/')[0]}/a b+{name.split('/')[1]}": content
        for name, content in datasets.folder(per_class=5).items()
    }
    return place.execute(place.request(place.upload("train", files)))


def test_a_folder_in_s3_becomes_an_artifact_in_s3(place: Place, trained: RunResult) -> None:
    assert trained.uri.startswith(f"s3://models/{place.name}/colours/runs/{'1' * 40}/{trained.inputs_digest}/artifact")
    files = fetch(trained.uri, trained.digest, ["model.json"], place.environment, "TRANSFERMODEL_OUTPUT_")
    assert json.loads(files["model.json"])["labels"] == ["blue", "green", "über red"]


def test_it_is_returned_again_until_an_object_changes(place: Place, trained: RunResult) -> None:
    request = place.request(f"s3://datasets/{place.name}/train")
    assert place.execute(request) == trained.model_copy(update={"reused": True})
    place.upload("train", {"blue/a b+000.png": datasets.picture("blue", 77)})
    assert not place.execute(request).reused


@pytest.mark.parametrize("suffix", ["tar.gz", "zip"])
def test_an_archive_in_s3_and_a_base_in_s3(place: Place, trained: RunResult, suffix: str) -> None:
    files = datasets.folder(per_class=4)
    packed = datasets.zip_archive(files) if suffix == "zip" else datasets.tar(files, compression="gz")
    base = {"transferModel": "colours", "version": "v1", "uri": trained.uri, "digest": trained.digest}
    request = place.request(
        f"{place.upload('archives', {f'colours.{suffix}': packed})}/colours.{suffix}",
        backbone={"base": base},
        training={"strategy": "FeatureExtraction"},
    )
    result = place.execute(request)
    assert (result.counts.train, result.base_digest) == (12, trained.digest)


def test_a_marker_of_an_empty_folder(place: Place) -> None:
    error = place.refused(place.request(place.upload("marked", datasets.folder(per_class=2) | {"yellow/": b""})))
    assert error.reason is Reason.EMPTY_CLASS
    assert "yellow" in error.message


@pytest.mark.parametrize(
    ("train", "reason", "word"),
    [
        ("s3://no-such-bucket/train", Reason.DATA_NOT_FOUND, "no-such-bucket"),
        ("s3://no-such-bucket/train.zip", Reason.DATA_NOT_FOUND, "no-such-bucket"),
        ("s3://datasets/nothing-here", Reason.DATA_NOT_FOUND, "nothing-here"),
        ("s3://datasets/nothing-here.zip", Reason.DATA_NOT_FOUND, "nothing-here.zip"),
    ],
)
def test_wrong_places(place: Place, train: str, reason: Reason, word: str) -> None:
    error = place.refused(place.request(train))
    assert (error.reason, error.failure) == (reason, FailureClass.USER)
    assert word in error.message
    assert "spec.data.train.uri" in error.message


@pytest.mark.parametrize("key", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_wrong_keys(place: Place, trained: RunResult, key: str) -> None:
    request = place.request(f"s3://datasets/{place.name}/train")
    error = place.refused(request, **{f"TRANSFERMODEL_DATA_{key}": "wrong"})
    assert error.reason is Reason.DATA_ACCESS_DENIED
    assert "secret" in error.message
    error = place.refused(request, **{f"TRANSFERMODEL_OUTPUT_{key}": "wrong"})
    assert (error.reason, error.failure) == (Reason.OUTPUT_NOT_WRITABLE, FailureClass.STORAGE)


def test_an_output_bucket_that_is_not_there(place: Place, trained: RunResult) -> None:
    error = place.refused(place.request(f"s3://datasets/{place.name}/train", outputUri="s3://no-such-output"))
    assert (error.reason, error.failure) == (Reason.OUTPUT_NOT_WRITABLE, FailureClass.STORAGE)
    assert "s3://no-such-output" in error.message


def test_storage_that_is_down(place: Place, trained: RunResult) -> None:
    down = {"TRANSFERMODEL_DATA_AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    error = place.refused(place.request(f"s3://datasets/{place.name}/train"), **down)
    assert (error.reason, error.failure) == (Reason.STORAGE_UNAVAILABLE, FailureClass.STORAGE)
    assert "AWS_ENDPOINT_URL" in error.message
