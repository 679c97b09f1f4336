"""Reading JSON as what it should be, strictly: msgspec, which is imported in a tenth of pydantic's time."""

from typing import TypeVar

from msgspec import DecodeError
from msgspec.json import decode

T = TypeVar("T")


def read(data: bytes, kind: type[T]) -> T:
    """Return a JSON document as a type.

    Raises:
        ValueError: It is none; says where and why, without a final full stop.
    """
    try:
        return decode(data, type=kind)
    except DecodeError as error:
        what, _, path = str(error).partition(" - at `$")
        place = path.strip("`.")
        raise ValueError(f"{place}: {what}" if place else what) from error
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
