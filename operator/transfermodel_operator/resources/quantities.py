"""Kubernetes quantities, such as 500m and 1Gi."""

import re
from decimal import Decimal
from typing import Final

SUFFIXES: Final = {
    "": Decimal(1),
    **{
        suffix: Decimal(1000) ** power
        for suffix, power in zip("numkMGTPE", (-3, -2, -1, 1, 2, 3, 4, 5, 6), strict=True)
    },
    **{f"{suffix}i": Decimal(1024) ** power for power, suffix in enumerate("KMGTPE", start=1)},
}


def parse_quantity(text: str | int) -> Decimal:
    """Return the number that a quantity means.

    Raises:
        ValueError: The text is no quantity.
    """
    match = re.fullmatch(r"([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)([numkMGTPE]|[KMGTPE]i)?", str(text))
    if match is None:
        raise ValueError(f"{text!r} is not a quantity; write it like 500m, 2 or 4Gi.")
    return Decimal(match[1]) * SUFFIXES[match[2] or ""]
