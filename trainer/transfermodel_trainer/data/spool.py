"""Encoded files, one after the other in one temporary file: memory holds only what is decoded."""

import hashlib
import threading
from array import array
from pathlib import Path


class Spool:
    """Grows only; safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        """Begin an empty spool in the folder."""
        path = folder / "spool"
        self._file = path.open("w+b")
        path.unlink()  # it stays until the process ends, however that may be
        self._lock = threading.Lock()
        # Of a million contents, objects of Python's would take more memory than the rest of the run.
        self._ends = array("Q", [0])
        self._digests = bytearray()

    def add(self, content: bytes) -> int:
        """Keep the content; return its position."""
        digest = hashlib.sha256(content).digest()
        with self._lock:
            self._file.seek(self._ends[-1])
            self._file.write(content)
            self._ends.append(self._ends[-1] + len(content))
            self._digests += digest
            return len(self._ends) - 2

    def read(self, position: int) -> bytes:
        """Return the content at the position."""
        start, end = self._ends[position : position + 2]
        with self._lock:
            self._file.seek(start)
            return self._file.read(end - start)

    def digest(self, position: int) -> str:
        """Return the SHA-256 (hex) of the content at the position."""
        return self._digests[32 * position : 32 * position + 32].hex()
