"""Which samples are held out: decided by each sample's content, so that none ever changes sides."""

import hashlib

import numpy as np
from numpy.typing import NDArray


def position(digest: str, seed: int) -> float:
    """Return a number in [0, 1), the same for the same content and seed wherever and beside whatever it lies."""
    value = hashlib.sha256(f"{seed}:{digest}".encode()).digest()
    return int.from_bytes(value[:8], "big") / 2**64


def held_out(digests: list[str], classes: NDArray[np.int64], fraction: float, seed: int) -> NDArray[np.bool_]:  # (N,)
    """Return which samples are for validation: those whose position lies below the fraction.

    Every class keeps at least one training sample: the one with the highest position. Where nothing at all would be
    held out, each class with two samples gives the one with the lowest.
    """
    positions = np.array([position(digest, seed) for digest in digests])
    chosen: NDArray[np.bool_] = positions < fraction
    for label in np.unique(classes):
        members = np.flatnonzero(classes == label)
        if chosen[members].all():
            highest = positions[members].max()
            chosen[members[positions[members] == highest]] = False
    if not chosen.any():
        for label in np.unique(classes):
            members = np.flatnonzero(classes == label)
            lowest = positions[members].min()
            same = members[positions[members] == lowest]
            if len(same) < len(members):
                chosen[same] = True
    return chosen
