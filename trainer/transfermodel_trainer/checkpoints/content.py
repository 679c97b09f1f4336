"""One checkpoint as a file: tensors by safetensors, whose header holds everything else as JSON, and a digest of it all.

There is no pickle: a checkpoint is read as data.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError, safe_open

if TYPE_CHECKING:  # torch takes seconds to import, and a run may end before it needs it
    from torch import Tensor


class Damaged(Exception):
    """The file is not what was written."""


@dataclass(frozen=True)
class Saved:
    """The content of one checkpoint."""

    tensors: "dict[str, Tensor]"
    facts: Any
    """JSON."""
    header: dict[str, Any]
    """Whose it is, and where it was written: see origin.py."""


def write(path: Path, saved: Saved) -> None:
    """Write tensors that are contiguous and on the CPU. Raises OSError or SafetensorError."""
    from safetensors.torch import save_file

    text = json.dumps({"facts": saved.facts, "header": saved.header})
    save_file(saved.tensors, path, metadata={"content": text, "digest": digest(saved.tensors, text)})


def read(path: Path) -> Saved:
    """Return what was written. Raises Damaged when that is not what the file holds."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - it is no dictionary
        text = metadata["content"]
        if metadata["digest"] != digest(tensors, text):
            raise Damaged(f"{path} has another digest than it was written with.")
        content = json.loads(text)
        return Saved(tensors, content["facts"], content["header"])
    except (OSError, SafetensorError, ValueError, KeyError) as error:
        raise Damaged(f"{path} cannot be read: {error}") from error


def digest(tensors: "dict[str, Tensor]", text: str) -> str:
    """Return the SHA-256 (hex) over the names and bytes of contiguous tensors on the CPU, and the text."""
    total = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        total.update(f"\0{name}\0".encode())
        total.update(tensors[name].reshape(-1).numpy().view("uint8").data)
    return total.hexdigest()
