"""What is wrong with a value, and what to write instead: (message, remedy), made from the schema."""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any, Final

from transfermodel_operator.api.scalars import READ_RULES

from transfermodel.documents import rules
from transfermodel.documents.completing import Schema
from transfermodel.documents.places import is_local, join
from transfermodel.documents.types import Target

Sentence = tuple[str, str]

_LONGEST_QUOTE: Final = 60
_TYPES: Final = {
    "object": "a mapping",
    "array": "a list",
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}
_UPLOAD: Final = (
    "A cluster cannot read files of this machine: copy them to a bucket and name it as s3://bucket/folder, "
    "or run the file here with transfermodel run."
)


def quoted(value: Any) -> str:
    """Return a value for a sentence."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= _LONGEST_QUOTE else text[: _LONGEST_QUOTE - 1] + "…"


def wrong_type(value: Any, schema: Schema, text: str | None) -> Sentence:
    """Return the sentence for a value of another type than the schema's."""
    kind = "string" if schema.get("x-kubernetes-int-or-string") else schema["type"]
    wanted = "a whole number or a string" if schema.get("x-kubernetes-int-or-string") else _TYPES[kind]
    written = quoted(value if text is None else text)
    message = f"must be {wanted}, and {_what(value, written)}"
    if value is None:
        return message, "Write a value, or leave the field out."
    if kind == "string" and not isinstance(value, dict | list):
        return message, f'Write "{written}" in quotes.'
    if kind in ("integer", "boolean", "number") and isinstance(value, str) and _is_literal(value, kind):
        return message, f"Write {written} without quotes."
    if kind == "object" and isinstance(value, str) and len(schema.get("required", [])) == 1:
        return message, f"Write {{{schema['required'][0]}: {written}}}."
    if kind == "array" and not isinstance(value, dict | list):
        return message, f"Write [{written}, …]."
    if kind == "object" and "properties" in schema:
        return message, f"It has the fields {', '.join(schema['properties'])}."
    return message, meaning(schema)


def unknown_field(key: str, path: str, fields: Schema, root: Schema) -> tuple[Sentence, str | None]:
    """Return the sentence for a field that is not there, and the field that was probably meant."""
    message = f"{join(path, key)} is no field of a TransferModel"
    lowered = {name.lower(): name for name in fields}
    if near := get_close_matches(key.lower().replace("_", "").replace("-", ""), lowered, n=1, cutoff=0.7):
        meant = lowered[near[0]]
        return (message, f"Did you mean {meant}?"), meant
    homes = [home for home in _homes(key, root, "") if not home.startswith("status")]
    if homes:
        return (message, f"It is a field of {' and '.join(homes[:3])}."), None
    return (message, f"{path or 'A TransferModel'} has {', '.join(fields)}."), None


def required(key: str, path: str, schema: Schema) -> Sentence:
    """Return the sentence for a field that must be there."""
    choices = [quoted(each) for each in schema.get("enum", [])]
    example = f"Add {key}: {' or '.join(choices)}." if choices else f"Add {key}: {meaning(schema)}"
    return f"{join(path, key)} is missing", example


def scalar(value: Any, schema: Schema, *, local: bool) -> Iterator[Sentence]:
    """Yield a sentence for every limit of the schema that a string, number or boolean breaks.

    Args:
        value: of the schema's type.
        schema: of the value.
        local: the value is a path, which may be shorter than a URI.
    """
    choices = schema.get("enum")
    if choices is not None and value not in choices:
        near = get_close_matches(str(value).lower(), lowered := {str(each).lower(): each for each in choices}, n=1)
        options = " or ".join(quoted(each) for each in choices)
        yield (
            f"{quoted(value) or 'an empty string'} is not allowed here",
            f"Did you mean {lowered[near[0]]}?{f' It is {options}.' * (len(choices) > 1)}"
            if near
            else f"Write {options}.",
        )
        return
    if isinstance(value, str):
        yield from _string(value, schema, local=local)
    elif not isinstance(value, bool):
        yield from _number(value, schema)


def rule_remedy(rule: dict[str, str], value: Any, schema: Schema, target: Target) -> str:
    """Return what to do about a broken rule; the rule's message says most of it."""
    if target is Target.CLUSTER and rule in READ_RULES and is_local(value):
        return _UPLOAD
    return "" if isinstance(value, dict) else meaning(schema)


def meaning(schema: Schema) -> str:
    """Return what a field is."""
    return str(schema.get("description", ""))


def _string(value: str, schema: Schema, *, local: bool) -> Iterator[Sentence]:
    fewest, most = schema.get("minLength", 0), schema.get("maxLength", len(value))
    if len(value) > most:
        yield f"has {len(value)} characters; at most {most} are allowed", "Shorten it."
    elif len(value) < fewest and not local:
        yield f"{value or 'an empty string'} is too short: it needs at least {fewest} characters", meaning(schema)
    elif "pattern" in schema and not rules.matches(schema["pattern"], value):
        yield f"{quoted(value) or 'an empty string'} does not match {schema['pattern']}", meaning(schema)


def _number(value: float, schema: Schema) -> Iterator[Sentence]:
    least, most = schema.get("minimum"), schema.get("maximum")
    if (least is not None and value < least) or (most is not None and value > most):
        limits = f"between {least} and {most}" if least is not None and most is not None else f"at least {least}"
        yield f"{value} is not allowed here", f"Write a whole number {limits}."


def _what(value: Any, written: str) -> str:
    """Say what a value is: 0.2 is a number."""
    if value is None:
        return "this is empty (null)"
    if isinstance(value, bool):
        return f"{written} means {'true' if value else 'false'}"
    if isinstance(value, int | float):
        return f"{written} is a number"
    if isinstance(value, str):
        return f'"{written}" is a string'
    return "this is a list" if isinstance(value, list) else "this is a mapping"


def _is_literal(text: str, kind: str) -> bool:
    if kind == "boolean":
        return text in ("true", "false")
    return text.removeprefix("-").isdecimal()


def _homes(key: str, schema: Schema, path: str) -> Iterator[str]:
    """Yield the paths of the objects that have a field of this name."""
    for name, field in schema.get("properties", {}).items():
        if name == key and path:
            yield path
        yield from _homes(key, field, join(path, name))
