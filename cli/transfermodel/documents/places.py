"""Paths of fields, and of files that fields name."""

import re
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def join(path: str, key: str) -> str:
    """Return the path of a field; a key that is no identifier stands in brackets: limits[nvidia.com/gpu]."""
    if not _IDENTIFIER.fullmatch(key):
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else key


def is_local(uri: Any) -> bool:
    """Tell whether a URI names something on this machine: file:///… or a path, relative or absolute."""
    if not isinstance(uri, str) or not uri.strip():
        return False
    scheme = _SCHEME.match(uri)
    return scheme is None or (scheme[0] == "file://" and uri.startswith("file:///"))


def local_path(uri: str, folder: Path) -> Path:
    """Return the path that a local URI names; relative ones are relative to the file's own folder."""
    if uri.startswith("file://"):
        return Path(unquote(urlsplit(uri).path))
    return folder / Path(uri).expanduser()


def as_file_uri(uri: str, folder: Path) -> str:
    """Return a local URI as file:///…; any other as it is."""
    return local_path(uri, folder).absolute().as_uri() if is_local(uri) else uri
