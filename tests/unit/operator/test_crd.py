"""The CustomResourceDefinition's shape: structural, bounded, and nothing lost on the way from the types."""

from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from pydantic import Field
from transfermodel_operator.api import ApiModel, TransferModelSpec, TransferModelStatus
from transfermodel_operator.crd import UnstructuralError, custom_resource_definition, structural_schema

Schema = dict[str, Any]
ROOT: Schema = custom_resource_definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]


def nodes(node: Schema, path: str = "") -> Iterator[tuple[str, Schema]]:
    """Yield every node of a schema with its path."""
    yield path, node
    for name, child in node.get("properties", {}).items():
        yield from nodes(child, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if isinstance(node.get(key), dict):
            yield from nodes(node[key], f"{path}[{key}]")


SPEC = dict(nodes(ROOT["properties"]["spec"], "spec"))
ALL = dict(nodes(ROOT))


def test_every_node_has_a_type_or_is_a_quantity() -> None:
    assert all(("type" in node) != node.get("x-kubernetes-int-or-string", False) for node in ALL.values())


def test_no_keyword_that_the_api_server_would_refuse() -> None:
    refused = {"$ref", "$defs", "anyOf", "oneOf", "const", "title", "uniqueItems", "propertyNames", "nullable"}
    assert not [path for path, node in ALL.items() if refused & set(node)]


def test_what_a_user_writes_is_bounded() -> None:
    """CEL rules are priced by the largest possible value."""
    bounds = {"string": "maxLength", "array": "maxItems", "integer": "maximum"}
    unbounded = [
        path
        for path, node in SPEC.items()
        if "enum" not in node
        and node.get("type") in bounds
        and bounds[node["type"]] not in node
        and not path.endswith((".nodeSelector[additionalProperties]", ".tolerationSeconds"))
    ]
    assert unbounded == []
    maps = [node for node in SPEC.values() if "additionalProperties" in node]
    assert maps
    assert all("maxProperties" in node for node in maps)


def test_no_default_inside_a_one_of() -> None:
    one_ofs = [
        node
        for node in ALL.values()
        if any("exactly one of" in rule["message"] for rule in node.get("x-kubernetes-validations", []))
    ]
    assert len(one_ofs) == 2
    assert not [name for node in one_ofs for name, child in node["properties"].items() if "default" in child]


def test_a_default_object_is_what_its_fields_default_to() -> None:
    serving = SPEC["spec.serving"]
    assert serving["default"] == {
        "mode": "Knative",
        "minReplicas": 0,
        "maxReplicas": 3,
        "containerConcurrency": 0,
        "precision": "Float32",
        "scaleDownDelaySeconds": 0,
    }
    assert {name: node["default"] for name, node in serving["properties"].items() if "default" in node} == serving[
        "default"
    ]


def test_the_status_has_no_defaults() -> None:
    assert not [path for path, node in nodes(ROOT["properties"]["status"]) if "default" in node]


def test_fields_keep_their_order_and_docstrings() -> None:
    assert list(SPEC["spec"]["properties"]) == [
        "task",
        "backbone",
        "data",
        "training",
        "output",
        "serving",
        "suspend",
    ]
    assert SPEC["spec.suspend"]["description"] == TransferModelSpec.model_fields["suspend"].description
    assert SPEC["spec.training.fineTuning"]["description"] == "Details of strategies FineTuning and Auto."
    assert SPEC["spec.training.tolerations[items]"]["description"].startswith("A node taint that")


def test_every_field_is_there() -> None:
    assert set(ROOT["properties"]["status"]["properties"]) == {
        field.alias for field in TransferModelStatus.model_fields.values()
    }


def test_what_cannot_be_said_is_an_error() -> None:
    class Union(ApiModel):
        value: int | str

    class Exclusive(ApiModel):
        value: Annotated[int, Field(gt=0)]

    class Inner(ApiModel):
        needed: int

    class BadDefault(ApiModel):
        inner: Inner = Inner(needed=1)

    with pytest.raises(UnstructuralError, match=r"Union\.value: a structural schema has no union of types"):
        structural_schema(Union)
    with pytest.raises(UnstructuralError, match=r"Exclusive\.value: a structural schema has no exclusiveMinimum"):
        structural_schema(Exclusive)
    with pytest.raises(UnstructuralError, match=r"BadDefault\.inner: .* needed"):
        structural_schema(BadDefault)


def test_operator_is_no_package() -> None:
    """An __init__.py there would shadow the standard library's operator module."""
    import operator
    from pathlib import Path

    assert operator.itemgetter(0)("ab") == "a"
    assert not (Path(__file__).parents[3] / "operator" / "__init__.py").exists()
