"""One form of JSON, so that equal content has equal bytes and an equal digest."""

import hashlib
import json

from transfermodel_predictor.artifact.names import Content

DIGEST_PREFIX = "sha256:"


def canonical_json(value: object) -> bytes:
    """Return UTF-8 JSON with sorted keys, no spaces and a final newline."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode() + b"\n"


def digest_of(data: Content) -> str:
    """Return "sha256:" and the hash in hex."""
    return DIGEST_PREFIX + hashlib.sha256(data).hexdigest()
