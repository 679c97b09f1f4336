"""A spec as the API server completes it before it judges it: no nulls, every default."""

from copy import deepcopy
from typing import Any

Schema = dict[str, Any]


def completed(value: Any, schema: Schema) -> Any:
    """Return a copy in which null fields are absent and absent fields have the schema's defaults.

    As https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#defaulting:
    where a field is not nullable, null means that it is not set.
    """
    if isinstance(value, list):
        return [completed(item, schema.get("items", {})) for item in value]
    if not isinstance(value, dict):
        return value
    fields = schema.get("properties", {})
    result = {
        key: completed(each, fields.get(key) or schema.get("additionalProperties", {}))
        for key, each in value.items()
        if each is not None or not (key in fields or "additionalProperties" in schema)
    }
    for key, field in fields.items():
        if key not in result and "default" in field:
            result[key] = completed(deepcopy(field["default"]), field)
    return result
