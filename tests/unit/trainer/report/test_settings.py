"""The YAML of the report makes the same run again."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from transfermodel.documents.check import check_text
from transfermodel.documents.types import Target
from transfermodel_trainer.publishing.report.settings import document, to_yaml, without_password

from tests.support.report_records import request

BASE = {"transferModel": "base", "version": "v3", "uri": "s3://models/x", "digest": "sha256:0"}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"training": {"strategy": "FineTuning"}},
        {"training": {"strategy": "FeatureExtraction", "seed": 7}},
        {"backbone": {"base": BASE}, "training": {"strategy": "FeatureExtraction"}},
        {
            "backbone": {
                "name": "torchvision/resnet18",
                "weights": {"uri": "s3://weights/one.safetensors"},
                "input": {"size": 64, "mean": ["0.5", "0.5", "0.5"], "std": ["1", "1", "1"]},
            }
        },
        {"data": {"train": {"uri": "s3://d/train"}, "validation": {"uri": "s3://d/validation"}}},
    ],
)
def test_it_is_a_transfer_model_that_asks_for_the_same(changes: dict[str, Any]) -> None:
    asked = request(**changes)
    checked = check_text(to_yaml(document(asked)), Path("made-up.yaml"), Target.CLUSTER)
    assert checked.findings == ()
    (made,) = checked.documents
    assert (made.name, made.namespace) == (asked.name, asked.namespace)
    spec = made.spec
    assert spec.data.train == asked.data.train
    assert spec.training.seed == asked.training.seed
    assert spec.training.strategy == asked.training.strategy
    if asked.backbone.base:
        assert spec.backbone.from_transfer_model == "base"
    else:
        assert (spec.backbone.name, spec.backbone.weights) == (asked.backbone.name, asked.backbone.weights)
        assert spec.backbone.input == asked.backbone.input
    if asked.training.fine_tuning:
        assert spec.training.fine_tuning == asked.training.fine_tuning


def test_what_does_not_decide_what_is_learned_is_left_out() -> None:
    text = to_yaml(document(request(outputUri="s3://elsewhere", gpus=2)))
    assert "elsewhere" not in text
    assert "gpu" not in text
    assert "maxDuration" not in text


@given(st.dictionaries(st.from_regex(r"[a-z][A-Za-z]{0,8}", fullmatch=True), st.text() | st.integers() | st.booleans()))
def test_every_scalar_is_read_back_as_it_was(value: dict[str, Any]) -> None:
    assert yaml.safe_load(to_yaml({"spec": {"inner": value}})) == {"spec": {"inner": value}}


@pytest.mark.parametrize("word", ["yes", "No", "on", "null", "~", "1e-3", "0x10", "12:30:00", "a: b", "- a", "#", ""])
def test_what_yaml_takes_for_something_else_is_quoted(word: str) -> None:
    assert yaml.safe_load(to_yaml({"value": word, "list": [word]})) == {"value": word, "list": [word]}


def test_passwords_are_not_passed_around() -> None:
    secret = "https://me:secret@data.example/x.zip"
    text = to_yaml(document(request(data={"train": {"uri": secret}})))
    assert "uri: https://data.example/x.zip" in text
    assert without_password("s3://bucket/a@b/c") == "s3://bucket/a@b/c"
