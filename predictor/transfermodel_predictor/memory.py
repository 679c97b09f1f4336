"""Giving back what loading took: a serving process lives long, and its memory is what packs pods onto nodes."""

import ctypes


def release_free_memory() -> None:
    """Return the C library's free memory to the system; half of a served ResNet-50's, where glibc is."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError):  # another C library
        return
