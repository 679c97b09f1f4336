"""What the API server accepts, fills in and refuses: every rule with a spec that keeps it and one that breaks it."""

from typing import Any

import pytest
from transfermodel_operator.crd import custom_resource_definition

from tests.api.crd.accepted import ACCEPTED
from tests.api.crd.changes import put, together, transfer_model
from tests.api.crd.refused import REFUSED
from tests.support.api_server import ApiServer

SERVING = {
    "mode": "Knative",
    "minReplicas": 0,
    "maxReplicas": 3,
    "containerConcurrency": 0,
    "precision": "Float32",
    "scaleDownDelaySeconds": 0,
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_accepted(cluster: ApiServer, case: str) -> None:
    cluster.created(transfer_model(ACCEPTED[case]))


@pytest.mark.parametrize("case", REFUSED)
def test_refused(cluster: ApiServer, case: str) -> None:
    change, sentence = REFUSED[case]
    answer = cluster.create(transfer_model(change))
    assert not answer.succeeded
    assert sentence in answer.output


def rules(node: Any) -> list[str]:
    """Return the messages of all CEL rules of a schema."""
    if isinstance(node, list):
        return [message for each in node for message in rules(each)]
    if not isinstance(node, dict):
        return []
    own = [rule["message"] for rule in node.get("x-kubernetes-validations", [])]
    return own + [message for each in node.values() for message in rules(each)]


def test_every_rule_is_broken_by_a_case() -> None:
    found = set(rules(custom_resource_definition()["spec"]["versions"])) - {NAME_MESSAGE}
    unbroken = [message for message in found if not any(sentence in message for _, sentence in REFUSED.values())]
    assert found
    assert not unbroken


NAME_MESSAGE = (
    "must begin with a letter, consist of lower-case letters, digits and '-', not end with '-', "
    "and have at most 40 characters: it becomes part of a host name"
)


@pytest.mark.parametrize("name", ["a", "digits", "a-1", "a" * 40])
def test_names_accepted(cluster: ApiServer, name: str) -> None:
    cluster.created(transfer_model(name=name))


@pytest.mark.parametrize("name", ["1st", "my.model", "a" * 41])
def test_names_refused(cluster: ApiServer, name: str) -> None:
    answer = cluster.create(transfer_model(name=name))
    assert not answer.succeeded
    assert f'metadata.name: Invalid value: "object": {NAME_MESSAGE}' in answer.output


def test_defaults_are_filled_in(cluster: ApiServer) -> None:
    assert cluster.created(transfer_model())["spec"] == {
        "task": "ImageClassification",
        "backbone": {"name": "torchvision/resnet18", "weights": {"name": "DEFAULT"}},
        "data": {"train": {"uri": "s3://datasets/train"}},
        "training": {
            "strategy": "FeatureExtraction",
            "seed": 0,
            "maxDurationSeconds": 3600,
            "interruptible": False,
            "checkpointIntervalSeconds": 60,
        },
        "serving": SERVING,
        "suspend": False,
    }


def test_a_part_is_completed(cluster: ApiServer) -> None:
    change = together(
        put("training", {"strategy": "FineTuning", "fineTuning": {"epochs": 7}}),
        put("serving", {"maxReplicas": 1}),
        put("backbone.input", {"size": 64}),
    )
    spec = cluster.created(transfer_model(change))["spec"]
    # A search varies what the user did not write: so nothing is filled in here.
    assert spec["training"]["fineTuning"] == {"epochs": 7}
    assert spec["serving"] == SERVING | {"maxReplicas": 1}
    assert spec["backbone"]["input"] == {"size": 64, "resize": "ShortestSide", "interpolation": "bilinear"}


def test_columns_have_names_by_default(cluster: ApiServer) -> None:
    change = together(put("data.train.uri", "s3://datasets/birds.csv"), put("data.format", {"labelColumn": "species"}))
    spec = cluster.created(transfer_model(change))["spec"]
    assert spec["data"]["format"] == {
        "pathColumn": "file",
        "textColumn": "text",
        "labelColumn": "species",
    }


def test_an_unknown_field_is_not_dropped_in_silence(cluster: ApiServer) -> None:
    manifest = transfer_model(put("training.epochs", 3))
    answer = cluster.create(manifest, "--validate=warn")
    assert answer.succeeded
    assert 'Warning: unknown field "spec.training.epochs"' in answer.output
