"""Writing configuration: whole, and only when its content changes, for some servers watch their files."""

import json
import os
from pathlib import Path
from typing import Any


def write(path: Path, text: str, *, mode: int = 0o644) -> Path:
    """Write a file unless it holds the same text; a reader sees the old content or the new one."""
    if path.exists() and path.read_text() == text:
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        file.write(text)
    unfinished.rename(path)
    return path


def write_json(path: Path, content: Any, *, mode: int = 0o644) -> Path:
    """The same with JSON, which is YAML too."""
    return write(path, json.dumps(content, indent=1), mode=mode)
