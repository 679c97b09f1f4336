"""Parameters of a request of version 1: of its address, and of the body's `parameters`."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from transfermodel_predictor.protocol.errors import RequestInvalid
from transfermodel_predictor.protocol.sources import kind, shown

TOP_K: Final = "top_k"
LARGEST: Final = 1_000_000_000


def gathered(query: Iterable[tuple[str, str]], document: Mapping[str, Any], known: Collection[str]) -> dict[str, Any]:
    """Return the parameters by name; those of the address are texts still.

    Raises:
        RequestInvalid: One is unknown, or comes twice.
    """
    body = document.get("parameters")
    if body is not None and not isinstance(body, dict):
        raise RequestInvalid(f"'parameters' is {kind(body)}; an object is needed.")
    found: dict[str, Any] = {}
    for name, value in (*query, *(body or {}).items()):
        if name not in known:
            raise RequestInvalid(
                f"There is no parameter {name[:40]!r}; there is {' and '.join(map(repr, known)) or 'none'} here."
            )
        if name in found:
            raise RequestInvalid(f"The parameter {name!r} comes twice; send it once.")
        found[name] = value
    return found


def whole_number(name: str, value: Any, lowest: int = 1, highest: int = LARGEST) -> int:
    """Return a parameter that is a whole number, or the text of one in an address.

    Raises:
        RequestInvalid: It is none, or out of bounds.
    """
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= len(str(LARGEST)):
        value = int(value)
    if type(value) is not int or not lowest <= value <= highest:
        bounds = f"of {lowest} or more" if highest == LARGEST else f"from {lowest} to {highest}"
        raise RequestInvalid(f"The parameter {name!r} is {shown(value)}; a whole number {bounds} is needed.")
    return value


def flag(name: str, value: Any) -> bool:
    """Return a parameter that is true or false, or the text of it in an address.

    Raises:
        RequestInvalid: It is something else.
    """
    value = {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value
    if not isinstance(value, bool):
        raise RequestInvalid(f"The parameter {name!r} is {shown(value)}; true or false is needed.")
    return value


def top_k_of(parameters: Mapping[str, Any]) -> int | None:
    """Return how many of the most probable labels are asked for; None: nothing is said.

    Raises:
        RequestInvalid: It is no whole number above 0.
    """
    return whole_number(TOP_K, parameters[TOP_K]) if TOP_K in parameters else None
