"""The examples of the reference: every field has one, and each is what the schema allows."""

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from transfermodel_operator.api import TransferModelSpec, TransferModelStatus
from transfermodel_operator.api.examples import SPECS, STATUS, example_of
from transfermodel_operator.crd import custom_resource_definition

from scripts.generator.chart import _closed

pytestmark = pytest.mark.unit

ROOT: dict[str, Any] = custom_resource_definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]


def fields(path: str, schema: dict[str, Any]) -> Iterator[str]:
    """Yield the path of every field, those of the objects in lists too."""
    for name, node in schema.get("properties", {}).items():
        yield f"{path}.{name}"
        inner = node["items"] if node.get("type") == "array" else node
        yield from fields(f"{path}.{name}{'[]' if inner is not node else ''}", inner)


@pytest.mark.parametrize("part", ["spec", "status"])
def test_every_field_has_an_example(part: str) -> None:
    assert [path for path in fields(part, ROOT[part]) if example_of(path) is None] == []


@pytest.mark.parametrize("title", SPECS)
def test_every_example_is_a_valid_spec(title: str) -> None:
    assert [error.message for error in Draft202012Validator(_closed(ROOT["spec"])).iter_errors(SPECS[title])] == []
    assert TransferModelSpec.model_validate(SPECS[title]).to_wire() | SPECS[title]


def test_the_status_is_valid() -> None:
    assert [error.message for error in Draft202012Validator(_closed(ROOT["status"])).iter_errors(STATUS)] == []
    assert TransferModelStatus.model_validate(STATUS).stage == "Ready"


def test_an_unknown_path_has_none() -> None:
    assert example_of("spec.data.train.url") is None
    assert example_of("spec.training.tolerations[].key") == "nvidia.com/gpu"
