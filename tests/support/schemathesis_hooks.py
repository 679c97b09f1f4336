"""What schemathesis cannot make of a schema: files that are real images and recordings; given by its environment."""

import base64
import os
import re
from typing import Any

import schemathesis
from hypothesis import strategies as st

BASE64 = re.compile("[A-Za-z0-9+/]+={0,2}")
FILE = base64.b64decode(os.environ.get("SAMPLE_FILE", ""))
TYPES = ["image/jpeg", "image/png", "image/webp", "image/bmp", "image/gif", "image/tiff"]
TYPES += ["audio/wav", "audio/flac", "audio/ogg", "audio/mpeg"]

whole_or_not = st.just(FILE) | st.integers(0, len(FILE)).map(lambda end: FILE[:end]) | st.binary(max_size=99)
schemathesis.openapi.media_type(TYPES[0], whole_or_not, aliases=TYPES[1:])
schemathesis.openapi.media_type("application/octet-stream", whole_or_not)


@schemathesis.hook
def map_body(context: Any, body: Any) -> Any:
    """Put the file where a schema wants something in base64 and got it."""
    return filled(body) if FILE else body


def filled(value: Any, name: str = "") -> Any:
    """Return JSON with the file in all places for one."""
    if isinstance(value, dict):
        return {key: filled(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, name) for inner in value]
    wanted = name in ("b64", "data") and isinstance(value, str) and BASE64.fullmatch(value)
    return base64.b64encode(FILE).decode() if wanted else value
