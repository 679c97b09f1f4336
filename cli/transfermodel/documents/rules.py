"""The CRD's CEL rules, and Go's regular expressions, evaluated here as the API server evaluates them."""

import re
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import cel

_QUANTITY: Final = re.compile(
    r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]|[eE][+-]?[0-9]{1,18})?", re.ASCII
)
"""What https://pkg.go.dev/k8s.io/apimachinery/pkg/api/resource#ParseQuantity understands."""

_MENTION: Final = re.compile(r"\bself((?:\.[A-Za-z_]\w*)*)(\()?")


def holds(rule: str, value: Any) -> bool | None:
    """Tell whether a rule holds for a value (its `self`); None: it could not be evaluated."""
    import cel

    context = cel.Context({"self": value}, {"isQuantity": is_quantity})
    try:
        return bool(_program(rule).execute(context))
    except (TypeError, KeyError, ValueError, RuntimeError):
        # CEL's own errors: a value of another type, a field that is absent, double("x").
        return None


def matches(pattern: str, text: str) -> bool:
    """Tell whether a text holds the pattern; Go's dialect, in which $ is the very end, is CEL's too."""
    return bool(_program("text.matches(pattern)").execute({"text": text, "pattern": pattern}))


@cache
def mentions(rule: str) -> tuple[str, ...]:
    """Return the fields that a rule speaks of, as paths below its `self`, each once, in the rule's order."""
    paths = []
    for match in _MENTION.finditer(rule):
        names = match[1].split(".")[1:]
        # self.name.size(): the last name is a function's.
        paths.append(".".join(names[:-1] if match[2] else names))
    return tuple(dict.fromkeys(paths))


def is_quantity(text: object) -> bool:
    """Tell whether a text is a quantity such as 500m or 4Gi."""
    return isinstance(text, str) and _QUANTITY.fullmatch(text) is not None


def rules_of(schema: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the rules of one node of a schema."""
    return list(schema.get("x-kubernetes-validations", []))


@cache
def _program(expression: str) -> "cel.Program":
    import cel

    return cel.compile(expression)
