"""What a plain scalar of YAML means to kubectl and to the API server.

Both read YAML by go-yaml v2 (https://github.com/yaml/go-yaml/blob/v2/resolve.go), which differs from PyYAML where it
matters here: `1e-3` is a number there and a string to PyYAML, `y` is true, `1:30` is a string.
"""

import math
import re
from typing import Final

_BOOLEANS: Final = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
}
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_NOT_FINITE: Final = {
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_INTEGER: Final = re.compile(r"([-+]?)(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)", re.ASCII)
_LARGEST_WHOLE_FLOAT: Final = 1e21
"""Go writes a float below it without a fraction or an exponent: 3.0 becomes 3 on its way to JSON."""

MERGE: Final = "<<"


def plain(text: str) -> bool | int | float | str | None:
    """Return the value of an unquoted scalar."""
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if text in _NOT_FINITE:
        return _NOT_FINITE[text]
    if text[0] not in "+-.0123456789":
        return text
    digits = text if text[0] == "." else text.replace("_", "")
    if matched := _INTEGER.fullmatch(digits):
        return integer(matched[1], matched[2])
    if _FLOAT.fullmatch(digits):
        return whole(float(digits))
    return text


def integer(sign: str, digits: str) -> int:
    """Return the value of a whole number with an optional base; a leading 0 alone means octal."""
    base = {"x": 16, "b": 2, "o": 8}.get(digits[1:2].lower(), 8 if len(digits) > 1 and digits[0] == "0" else 10)
    value = int(digits[2:] if digits[1:2].isalpha() else digits, base)
    return -value if sign == "-" else value


def whole(value: float) -> int | float:
    """Return a float as JSON will carry it: without a fraction it is an integer."""
    return int(value) if value.is_integer() and abs(value) < _LARGEST_WHOLE_FLOAT else value
