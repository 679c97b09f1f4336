"""The CustomResourceDefinition, made from the API types: their docstrings, defaults, limits and CEL rules."""

from collections.abc import Callable
from typing import Any, Final

from transfermodel_operator.api import GROUP, KIND, PLURAL, VERSION, ApiModel, TransferModelSpec, TransferModelStatus

Schema = dict[str, Any]

DESCRIPTION: Final = "A model that is trained from a pretrained backbone on your data, and served."
NAME_MESSAGE: Final = (
    "must begin with a letter, consist of lower-case letters, digits and '-', not end with '-', "
    "and have at most 40 characters: it becomes part of a host name"
)
PRINTER_COLUMNS: Final = (
    ("Stage", "string", ".status.stage", "What happens at present."),
    ("Progress", "integer", ".status.training.percent", "Progress of the last training run in percent."),
    ("Accuracy", "string", ".status.versions[-1:].metrics.accuracy", "Accuracy of the newest version."),
    ("Ready", "string", '.status.conditions[?(@.type=="Ready")].status', "Whether what was asked for is there."),
    ("URL", "string", ".status.url", "Where predictions are asked for."),
    ("Age", "date", ".metadata.creationTimestamp", "Time since creation."),
)

# Keywords that mean the same in pydantic's JSON schema (draft 2020-12) and in a structural schema.
_COPIED: Final = frozenset(
    {
        "type",
        "format",
        "pattern",
        "enum",
        "minimum",
        "maximum",
        "minLength",
        "maxLength",
        "minItems",
        "maxItems",
        "minProperties",
        "maxProperties",
        "x-kubernetes-int-or-string",
        "x-kubernetes-list-type",
        "x-kubernetes-list-map-keys",
        "x-kubernetes-validations",
    }
)


class UnstructuralError(TypeError):
    """A type of the API says something that a structural schema cannot say."""


def custom_resource_definition() -> Schema:
    """Return the CustomResourceDefinition, ready to be sent to an API server."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{PLURAL}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": KIND,
                "listKind": f"{KIND}List",
                "plural": PLURAL,
                "singular": KIND.lower(),
                # KServe's TrainedModel is `tm` too, and kubectl takes the group that sorts first: hence a second one.
                "shortNames": ["tm", "tlm"],
                "categories": ["ml"],
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "additionalPrinterColumns": [
                        {"name": name, "type": kind, "jsonPath": path, "description": description}
                        for name, kind, path, description in PRINTER_COLUMNS
                    ],
                    "subresources": {"status": {}},
                    "schema": {"openAPIV3Schema": _root_schema()},
                }
            ],
        },
    }


def structural_schema(model: type[ApiModel], *, defaults: bool = True) -> Schema:
    """Return the structural schema of one type.

    Args:
        model: the type.
        defaults: whether the API server shall fill in defaults; not in a status, which its writer fills.

    Raises:
        UnstructuralError: The type holds something that a structural schema cannot express.
    """
    schema = model.model_json_schema(by_alias=True)
    definitions = schema.pop("$defs", {})
    return _structural(schema, lambda name: definitions[name], defaults=defaults, path=model.__name__)


def _root_schema() -> Schema:
    return {
        "description": DESCRIPTION,
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string", "description": f"{GROUP}/{VERSION}"},
            "kind": {"type": "string", "description": KIND},
            # Named here because a rule's fieldPath must be.
            "metadata": {"type": "object", "properties": {"name": {"type": "string"}}},
            "spec": structural_schema(TransferModelSpec),
            "status": structural_schema(TransferModelStatus, defaults=False),
        },
        "x-kubernetes-validations": [
            {
                "rule": "self.metadata.name.size() <= 40 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
                "message": NAME_MESSAGE,
                "fieldPath": ".metadata.name",
            }
        ],
    }


def _structural(schema: Schema, definition: Callable[[str], Schema], *, defaults: bool, path: str) -> Schema:
    """Turn one node of a JSON schema into its structural form; what is not understood is an error, never dropped."""

    def child(node: Schema, name: str) -> Schema:
        return _structural(node, definition, defaults=defaults, path=f"{path}.{name}")

    schema = _flattened(schema, definition, path)
    result: Schema = {}
    if description := schema.pop("description", None):
        result["description"] = " ".join(description.split())
    if "const" in schema:
        schema["enum"] = [schema.pop("const")]
    default = schema.pop("default", None)
    closed = schema.pop("additionalProperties", None)
    schema.pop("title", None)
    for key, value in schema.items():
        if key in _COPIED:
            result[key] = value
        elif key == "properties":
            result[key] = {name: child(node, name) for name, node in value.items()}
        elif key == "items":
            result[key] = child(value, "items")
        elif key == "required":
            result[key] = list(value)
        else:
            raise UnstructuralError(f"{path}: a structural schema has no {key}")
    if isinstance(closed, dict):
        result["additionalProperties"] = child(closed, "additionalProperties")
    # False is what every structural schema with properties is: unknown fields are refused or pruned.
    if defaults and default is not None:
        result["default"] = _default(default, result, path)
    return result


def _flattened(schema: Schema, definition: Callable[[str], Schema], path: str) -> Schema:
    """Resolve references, and unions with null: in Kubernetes an absent field is how one says null."""
    outer = dict(schema)
    inner: Schema = {}
    if reference := outer.pop("$ref", None):
        inner = _flattened(definition(reference.rpartition("/")[2]), definition, path)
    if "anyOf" in outer and not outer.get("x-kubernetes-int-or-string"):
        alternatives = [node for node in outer.pop("anyOf") if node.get("type") != "null"]
        if len(alternatives) != 1:
            raise UnstructuralError(f"{path}: a structural schema has no union of types")
        inner = _flattened(alternatives[0], definition, path)
    elif outer.get("x-kubernetes-int-or-string"):
        outer.pop("anyOf", None)
    # What is said where a type is used (its description there, a default) outweighs what the type says of itself.
    return inner | outer


def _default(default: object, schema: Schema, path: str) -> object:
    """Return the default to write down.

    An object's is put together from those of its fields, which keep their own so that a part of it can be set; {}
    would do, were it not that the API server judges a default by the CEL rules as it is written.
    """
    if "properties" not in schema:
        return default
    if missing := schema.get("required"):
        raise UnstructuralError(f"{path}: cannot default to an object whose {', '.join(missing)} has no default")
    return {name: node["default"] for name, node in schema["properties"].items() if "default" in node}
