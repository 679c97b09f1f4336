"""The files that somebody wants answers for: named, in folders, or by patterns."""

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")
"""What is looked for in folders: the formats that the predictor reads. A file that is named may be called anything."""
IMAGE_BYTES = 20_000_000
"""The predictor takes no larger image, so none is read."""


@dataclass(frozen=True)
class Failure:
    """One thing that was asked about and has no answer."""

    file: str
    """As given."""
    message: str
    """What is wrong and what to do."""

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"file": self.file, "message": self.message}


class FileRefused(Exception):
    """A file cannot be asked about; the message says why and what to do."""


def collect(arguments: Iterable[str]) -> tuple[list[Path], list[Failure]]:
    """Return the files, each once and in order, and what is not there; folders are searched for images."""
    files: dict[Path, None] = {}
    failures = []
    for argument in arguments:
        try:
            files.update(dict.fromkeys(expand(argument)))
        except FileRefused as refused:
            failures.append(Failure(argument, str(refused)))
    return list(files), failures


def expand(argument: str) -> Sequence[Path]:
    """Return the files that one argument names.

    Raises:
        FileRefused: It names nothing.
    """
    path = Path(argument).expanduser()
    if path.is_dir():
        if not os.access(path, os.R_OK | os.X_OK):
            raise FileRefused("This folder may not be read; check who owns it.")
        if not (images := list(files_below(path, SUFFIXES))):
            raise FileRefused(f"There is no image in this folder; looked for {', '.join(SUFFIXES)}.")
        return images
    if path.exists():
        return [path]
    if not glob.has_magic(argument):
        raise FileRefused("There is no such file or folder; check the path.")
    matches = [Path(match) for match in sorted(glob.glob(str(path), recursive=True))]
    if not (files := [match for match in matches if match.is_file()]):
        raise FileRefused("No file matches this pattern; check the path.")
    return files


def files_below(folder: Path, suffixes: tuple[str, ...]) -> Iterator[Path]:
    """Yield the files of a folder and its sub-folders in order; names that begin with a dot are none of the user's."""
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if name.lower().endswith(suffixes) and not name.startswith("."):
                yield Path(parent, name)


def read(path: Path) -> bytes:
    """Return the bytes of an image file.

    Raises:
        FileRefused: It cannot be read, or is none.
    """
    try:
        if not path.is_file():
            raise FileRefused("This is not a file; give the path of an image.")
        size = path.stat().st_size
        if size == 0:
            raise FileRefused("This file is empty; give an image.")
        if size > IMAGE_BYTES:
            raise FileRefused(
                f"This file has {size / 1e6:.0f} MB and at most {IMAGE_BYTES // 1_000_000} MB are accepted; "
                "make the image smaller, the model scales it down anyway."
            )
        return path.read_bytes()
    except PermissionError as error:
        raise FileRefused("This file may not be read; check who owns it.") from error
    except OSError as error:
        raise FileRefused(f"This file cannot be read: {error.strerror}.") from error
