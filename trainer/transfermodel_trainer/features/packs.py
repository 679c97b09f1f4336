"""A pack: the features of some samples, in one safetensors file that is named by its own SHA-256."""

import hashlib
import json
from typing import Final

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

MOST_ROWS: Final = 1024
"""Of a pack: some megabytes, so that reading and writing hold little memory and an interruption costs little."""
DIGEST_BYTES: Final = 32
START_BYTES: Final = 8 + 1024 + MOST_ROWS * DIGEST_BYTES
"""No longer are header and digests, which come first: whether a pack is of use is known from its start."""


class DamagedPack(Exception):
    """What was read is not what was written."""


def name_of(content: bytes) -> str:
    """Return the name of a pack's file."""
    return f"{hashlib.sha256(content).hexdigest()}.safetensors"


def pack(digests: list[str], features: Tensor) -> bytes:
    """Return the file of features (N, D) float32 with their samples' SHA-256, hex."""
    # As integers of eight bytes: safetensors puts the widest type first, and the digests have to come first.
    keys = np.frombuffer(bytes.fromhex("".join(digests)), dtype=np.int64).reshape(-1, DIGEST_BYTES // 8)
    return save({"digests": torch.from_numpy(keys.copy()), "features": features.contiguous()})


def digests_at(start: bytes) -> list[str]:
    """Return the samples' digests by the first bytes of a pack. Raises DamagedPack."""
    try:
        first = 8 + int.from_bytes(start[:8], "little")
        begin, end = json.loads(start[8:first])["digests"]["data_offsets"]
        keys = start[first + begin : first + end]
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedPack from error
    if begin != 0 or len(keys) != end or end % DIGEST_BYTES:
        raise DamagedPack
    return [keys[at : at + DIGEST_BYTES].hex() for at in range(0, end, DIGEST_BYTES)]


def unpack(name: str, content: bytes, width: int) -> tuple[list[str], Tensor]:
    """Return digests and features (N, width) of a pack's file. Raises DamagedPack."""
    if name_of(content) != name:
        raise DamagedPack
    try:
        features = load(content)["features"]
    except (SafetensorError, KeyError, ValueError) as error:
        raise DamagedPack from error
    digests = digests_at(content)
    if features.dtype != torch.float32 or features.shape != (len(digests), width):
        raise DamagedPack
    return digests, features
