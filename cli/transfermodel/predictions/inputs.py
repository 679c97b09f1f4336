"""What somebody wants answers for: files that are named, in folders, or meant by patterns; texts; standard input."""

import glob
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from transfermodel.modalities import AUDIO, IMAGE, SAMPLE_BYTES, TEXT, Modality

STANDARD_INPUT: Final = "-"


@dataclass(frozen=True)
class Failure:
    """One thing that was asked about and has no answer."""

    file: str
    """As given; of a text, the text."""
    message: str
    """What is wrong and what to do."""

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"file": self.file, "message": self.message}


@dataclass(frozen=True)
class Asked:
    """One sample that is asked about."""

    name: str
    """Of the file, as given; or the text itself."""
    content: bytes | None = None
    """None: it is read from the file when its turn comes."""
    is_text: bool = False
    """Whether `name` is the text itself."""

    def size(self) -> int:
        """Return its bytes; 0 where they cannot be told."""
        if self.content is not None:
            return len(self.content)
        try:
            return Path(self.name).stat().st_size
        except OSError:
            return 0

    def read(self, modality: Modality) -> bytes:
        """Return its content.

        Raises:
            FileRefused: It cannot be read, or is none.
        """
        return read(Path(self.name), modality) if self.content is None else self.content


class FileRefused(Exception):
    """A file cannot be asked about; the message says why and what to do."""


def given_text(text: str) -> Asked:
    """Return a text as it is asked about."""
    return Asked(text, text.encode("utf-8", "surrogateescape"), is_text=True)


def collect(arguments: Iterable[str], modality: Modality = IMAGE) -> tuple[list[Asked], list[Failure]]:
    """Return the files, each once and in order, and what is not there; folders are searched for samples."""
    asked: dict[Asked, None] = {}
    failures = []
    for argument in arguments:
        if argument == STANDARD_INPUT:
            asked.update(dict.fromkeys(standard_input(modality)))
            continue
        try:
            asked.update(dict.fromkeys(Asked(str(path)) for path in expand(argument, modality)))
        except FileRefused as refused:
            failures.append(Failure(argument, str(refused)))
    return list(asked), failures


def standard_input(modality: Modality) -> Iterator[Asked]:
    """Yield what standard input holds: a text per line, or one image or recording."""
    content = sys.stdin.buffer.read()
    if modality is not TEXT:
        yield Asked(STANDARD_INPUT, content)
        return
    for line in content.removeprefix(b"\xef\xbb\xbf").splitlines():
        if line.strip():
            yield given_text(line.decode("utf-8", "surrogateescape"))


def expand(argument: str, modality: Modality) -> Sequence[Path]:
    """Return the files that one argument names.

    Raises:
        FileRefused: It names nothing.
    """
    path = Path(argument).expanduser()
    if path.is_dir():
        if not os.access(path, os.R_OK | os.X_OK):
            raise FileRefused("This folder may not be read; check who owns it.")
        if not (files := list(files_below(path, modality.suffixes))):
            raise FileRefused(f"There is no {modality.one} in this folder; looked for {', '.join(modality.suffixes)}.")
        return files
    if path.exists():
        return [path]
    if not glob.has_magic(argument):
        hint = " To ask about a text, give it with --text." if modality is TEXT else ""
        raise FileRefused(f"There is no such file or folder; check the path.{hint}")
    matches = [Path(match) for match in sorted(glob.glob(str(path), recursive=True))]
    if not (found := [match for match in matches if match.is_file()]):
        raise FileRefused("No file matches this pattern; check the path.")
    return found


def files_below(folder: Path, suffixes: tuple[str, ...]) -> Iterator[Path]:
    """Yield the files of a folder and its sub-folders in order; names that begin with a dot are none of the user's."""
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if name.lower().endswith(suffixes) and not name.startswith("."):
                yield Path(parent, name)


def file_named(value: str, table: Path) -> Path | None:
    """Return the file that a table names; None: there is none."""
    path = table.parent / value.strip()
    try:
        return path if path.is_file() else None
    except (OSError, ValueError):  # a text is longer than any name may be, or holds what no name may hold
        return None


def read(path: Path, modality: Modality = IMAGE) -> bytes:
    """Return the bytes of a file.

    Raises:
        FileRefused: It cannot be read, or is none.
    """
    try:
        if not path.is_file():
            raise FileRefused(f"This is not a file; give the path of {modality.a}.")
        check_kind(path, modality)
        size = path.stat().st_size
        if size == 0:
            raise FileRefused(f"This file is empty; give {modality.a}.")
        if size > SAMPLE_BYTES:
            raise FileRefused(
                f"This file has {size / 1e6:.0f} MB and at most {SAMPLE_BYTES // 1_000_000} MB are accepted; "
                f"{modality.remedy}."
            )
        return path.read_bytes()
    except PermissionError as error:
        raise FileRefused("This file may not be read; check who owns it.") from error
    except OSError as error:
        raise FileRefused(f"This file cannot be read: {error.strerror}.") from error


def check_kind(path: Path, modality: Modality) -> None:
    """Raise FileRefused for an image or a recording, by its name, where the model answers about something else."""
    for other in (IMAGE, AUDIO):
        if other is not modality and path.name.lower().endswith(other.suffixes):
            raise FileRefused(f"This is {other.a}, by its name, and the model answers about {modality.many}.")
