"""The examples of the reference: every field has one, and each is what the schema allows."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from transfermodel.documents.check import check_text
from transfermodel.documents.types import Target
from transfermodel_operator.api import API_VERSION, KIND, TransferModelStatus
from transfermodel_operator.api.examples import SPECS, STATUS, example_of
from transfermodel_operator.crd import custom_resource_definition

from scripts.generator.text import to_yaml

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
    metadata = {"name": "example", "namespace": "demo"}
    document = {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": SPECS[title]}
    checked = check_text(to_yaml(document), Path("example.yaml"), Target.CLUSTER)
    assert [f"{finding.path}: {finding.message}" for finding in checked.findings] == []
    assert len(checked.documents) == 1


def test_the_status_is_valid() -> None:
    assert TransferModelStatus.model_validate(STATUS).to_wire() == STATUS


def test_an_unknown_path_has_none() -> None:
    assert example_of("spec.data.train.url") is None
    assert example_of("spec.training.tolerations[].key") == "nvidia.com/gpu"
