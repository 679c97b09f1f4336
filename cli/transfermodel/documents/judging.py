"""A value against the CRD's structural schema and its CEL rules: every violation, with its place and a remedy."""

from typing import Any, Final

from transfermodel_operator.api.scalars import READ_RULES

from transfermodel.documents import rules, sentences
from transfermodel.documents.completing import Schema
from transfermodel.documents.places import is_local, join
from transfermodel.documents.types import Place, Problem, Target

_KINDS: Final[dict[str, type | tuple[type, ...]]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
}


class Judge:
    """Collects the problems of one document."""

    def __init__(self, schema: Schema, places: dict[str, Place], target: Target) -> None:
        """Take the schema of the whole object, the places of its fields, and where it is to run."""
        self._schema = schema
        self._places = places
        self._target = target
        self._broken: set[str] = set()
        self.problems: list[Problem] = []

    def judge(self, value: Any) -> None:
        """Judge the whole object, which has its defaults already."""
        self._node(value, self._schema, "")

    def say(self, path: str, message: str, remedy: str) -> None:
        """Add a problem of a field that was found elsewhere."""
        self._add(path, (message, remedy))

    def mark_broken(self, path: str) -> None:
        """Remember that a field's value cannot be relied on: rules that speak of it say nothing."""
        self._broken.add(path)

    def _node(self, value: Any, schema: Schema, path: str) -> None:
        if not _is_of_type(value, schema):
            self._add(path, sentences.wrong_type(value, schema, self._text(path)), at_value=True)
            self._broken.add(path)
            return
        if not schema:
            return
        if isinstance(value, dict):
            self._object(value, schema, path)
        elif isinstance(value, list):
            self._array(value, schema, path)
        else:
            self._scalar(value, schema, path)

    def _object(self, value: dict[str, Any], schema: Schema, path: str) -> None:
        fields: Schema = schema.get("properties", {})
        others: Schema | None = schema.get("additionalProperties")
        meant = set()
        for key in value:
            if key not in fields and others is None:
                sentence, suggestion = sentences.unknown_field(key, path, fields, self._schema)
                self._add(join(path, key), sentence)
                meant.add(suggestion)
        for key in schema.get("required", []):
            if key not in value and key not in meant:
                self._add(path, sentences.required(key, path, fields[key]), field=join(path, key))
                self._broken.add(join(path, key))
        if len(value) > schema.get("maxProperties", len(value)):
            self._add(
                path, (f"has {len(value)} entries; at most {schema['maxProperties']} are allowed", "Remove some.")
            )
        self._broken |= {join(path, key) for key in meant if key and key not in value}
        for key, each in value.items():
            if key in fields:
                self._node(each, fields[key], join(path, key))
            elif others is not None:
                self._node(each, others, f"{path}[{key}]" if join("", key) != key else join(path, key))
        self._rules(value, schema, path)

    def _array(self, value: list[Any], schema: Schema, path: str) -> None:
        fewest, most = schema.get("minItems", 0), schema.get("maxItems", len(value))
        if not fewest <= len(value) <= most:
            wanted = str(most) if fewest == most else f"{fewest} to {most}"
            self._add(path, (f"has {len(value)} items; {wanted} are needed", sentences.meaning(schema)))
        for index, item in enumerate(value):
            self._node(item, schema["items"], f"{path}[{index}]")
        self._rules(value, schema, path)

    def _scalar(self, value: Any, schema: Schema, path: str) -> None:
        """Judge a scalar; where one of its own rules is broken, that says it better than its pattern."""
        if not self._rules(value, schema, path):
            return
        for sentence in sentences.scalar(value, schema, local=self._may_be_local(value, schema)):
            self._add(path, sentence, at_value=True)
            self._broken.add(path)

    def _rules(self, value: Any, schema: Schema, path: str) -> bool:
        """Evaluate the rules of one node; tell whether all hold."""
        intact = True
        for rule in rules.rules_of(schema):
            spoken_of = [f"{path}.{name}".strip(".") if name else path for name in rules.mentions(rule["rule"])]
            if any(self._is_broken(each) for each in spoken_of):
                continue
            if rule in READ_RULES and self._may_be_local(value, schema):
                continue
            held = rules.holds(rule["rule"], value)
            if held or (held is None and self._anything_broken_below(path)):
                continue
            intact = False
            self._broken.add(path)
            field = self._best_place(spoken_of, path)
            remedy = sentences.rule_remedy(rule, value, schema, self._target)
            self._add(field, (rule["message"], remedy), at_value=not isinstance(value, dict))
        return intact

    def _may_be_local(self, value: Any, schema: Schema) -> bool:
        """Tell whether this is a path or file:// URI where one is allowed: on this machine, instead of s3://."""
        readable = any(rule in READ_RULES for rule in rules.rules_of(schema))
        return self._target is Target.LOCAL and readable and is_local(value)

    def _is_broken(self, path: str) -> bool:
        return any(path == each or path.startswith((f"{each}.", f"{each}[")) for each in self._broken)

    def _anything_broken_below(self, path: str) -> bool:
        return any(each.startswith(path) for each in self._broken)

    def _best_place(self, spoken_of: list[str], path: str) -> str:
        """Return the deepest of these fields that is written down; the first of several."""
        written = [each for each in spoken_of if each in self._places]
        return max(written, key=lambda each: each.count("."), default=path)

    def _text(self, path: str) -> str | None:
        place = self._places.get(path)
        return place.text if place else None

    def _add(self, path: str, sentence: tuple[str, str], *, at_value: bool = False, field: str | None = None) -> None:
        """Add a problem at the place of a field; one that is not written down stands for its nearest parent."""
        place = self._places.get(path)
        parent = path
        while place is None:
            parent = parent[: max(parent.rfind("."), parent.rfind("["), 0)]
            place = self._places.get(parent)
        message, remedy = sentence
        self.problems.append(Problem(place.of_value if at_value else place, field or path, message, remedy))


def _is_of_type(value: Any, schema: Schema) -> bool:
    if schema.get("x-kubernetes-int-or-string"):
        return isinstance(value, int | str) and not isinstance(value, bool)
    kind = schema.get("type")
    if kind is None:
        return True
    return isinstance(value, _KINDS[kind]) and (kind == "boolean" or not isinstance(value, bool))
