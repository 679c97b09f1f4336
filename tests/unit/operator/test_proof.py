"""What counts as the proof that a revision serves a version."""

import io
import json
from typing import get_args

import pytest
from PIL import Image
from transfermodel_operator.api.spec import Task
from transfermodel_operator.plan import ProofRequest
from transfermodel_operator.proof import SAMPLES, judge, question
from transfermodel_predictor.configuration import Limits
from transfermodel_predictor.inference.audio import decode_audio
from transfermodel_predictor.protocol.forms import FORMS
from transfermodel_predictor.protocol.sources import EncodedSample
from transfermodel_predictor.protocol.v2 import parse_request

from tests.unit.operator.simulator import World

pytestmark = pytest.mark.unit

ASKED = ProofRequest(revision="digits-predictor-00002", version="v2", task="ImageClassification", digest="sha256:aa")


def answer(digest: str) -> bytes:
    return json.dumps({"model_name": "digits", "parameters": {"digest": digest}, "outputs": []}).encode()


def asked(task: Task) -> bytes:
    """Return the sample of a task's question, as the predictor reads it."""
    body = json.dumps(question(task)).encode()
    (source,) = parse_request(body, None, FORMS[task.removesuffix("Classification")], Limits()).sources
    assert isinstance(source, EncodedSample)
    return source.data


def test_every_task_has_a_question() -> None:
    assert set(SAMPLES) == set(get_args(Task))


def test_the_image_is_one() -> None:
    with Image.open(io.BytesIO(asked("ImageClassification"))) as image:
        image.load()
        assert image.format == "PNG"


def test_the_text_is_one() -> None:
    assert asked("TextClassification").decode().isprintable()


def test_the_recording_is_one() -> None:
    recording = decode_audio(asked("AudioClassification"))
    assert (len(recording.samples), recording.rate) == (64, 8000)
    assert recording.samples.max() > 0.5


@pytest.mark.parametrize("task", get_args(Task))
def test_a_version_is_asked_what_it_was_trained_for(task: Task) -> None:
    world = World()
    backbone = {"name": "torchvision/resnet18", "weights": {"name": "DEFAULT"}}
    if task == "TextClassification":
        backbone["name"] = "transformers/bert"
    world.create(task=task, backbone=backbone, training={"strategy": "FeatureExtraction"})
    world.settle()
    world.succeed()
    asked_for = []
    for _ in range(6):
        plan = world.reconcile()
        asked_for += [plan.proof.task] if plan.proof else []
        if "digits" in world.services:
            world.serve()
    assert asked_for == [task]
    samples = {"Image": "images", "Text": "texts", "Audio": "recordings"}[task.removesuffix("Classification")]
    assert f"3 classes; {samples}: 60 to train" in world.condition("DataReady")["message"]


def test_versions_of_before_there_was_a_choice_are_asked_about_images() -> None:
    world = World()
    world.create()
    world.settle()
    world.succeed()
    world.reconcile()
    del world.recorded["digits-v1"]["data"]["task"]
    world.reconcile()
    world.serve()
    plan = world.plan()
    assert plan.proof is not None
    assert plan.proof.task == "ImageClassification"


def test_the_right_digest() -> None:
    assert judge(200, answer("sha256:aa"), ASKED) is None


@pytest.mark.parametrize(
    ("code", "content", "word"),
    [
        (200, answer("sha256:bb"), "serves sha256:bb, not v2"),
        (200, b'{"outputs": []}', "without naming the digest"),
        (200, b"[]", "without naming the digest"),
        (200, b"<html>", "without naming the digest"),
        (200, b'{"parameters": null}', "without naming the digest"),
        (503, b"no healthy upstream", "HTTP 503: no healthy upstream"),
    ],
)
def test_anything_else(code: int, content: bytes, word: str) -> None:
    assert word in (judge(code, content, ASKED) or "")
