"""A file of TransferModels: read, judged as the API server would judge it, every error at once."""

import sys
from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, Final

from transfermodel_operator.api import API_VERSION, GROUP, KIND, TransferModelSpec
from transfermodel_operator.crd import custom_resource_definition

from transfermodel.documents import metadata, reading
from transfermodel.documents.completing import Schema, completed
from transfermodel.documents.judging import Judge
from transfermodel.documents.ordering import problems_together
from transfermodel.documents.places import is_local
from transfermodel.documents.types import DEFAULT_NAMESPACE, Checked, Document, Finding, Place, Problem, Target
from transfermodel.errors import DocumentInvalid, UsageError

STANDARD_INPUT: Final = "-"
_LARGEST_FILE_BYTES: Final = 3 * 1024 * 1024
"""What the API server takes in one request."""
_SHORTEST_URI: Final = 6
_TOP: Final = Place(1, 1)


def load(path: Path, target: Target) -> list[Document]:
    """Return the TransferModels of a file.

    Raises:
        DocumentInvalid: any error; its text lists all of them.
        UsageError: the file cannot be read.
    """
    checked = check(path, target)
    if errors := checked.errors:
        count = "an error" if len(errors) == 1 else f"{len(errors)} errors"
        lines = [f"{error.place}: {error.sentence} {error.remedy}".rstrip() for error in errors]
        raise DocumentInvalid("\n  ".join([f"{checked.file} has {count}:", *lines]))
    return list(checked.documents)


def check(path: Path, target: Target) -> Checked:
    """Return what a file holds and everything that is wrong with it.

    Args:
        path: a YAML or JSON file; "-" is standard input.
        target: where it is to run.

    Raises:
        UsageError: the file cannot be read.
    """
    text, problem = read_text(path)
    return check_text(text, path, target, problem=problem)


def read_text(path: Path) -> tuple[str, Problem | None]:
    """Return a file's text, and what is wrong with the file as a whole.

    Raises:
        UsageError: the file cannot be read.
    """
    content = contents(path)
    if len(content) > _LARGEST_FILE_BYTES:
        return "", Problem(_TOP, "", f"the file has {len(content)} bytes", "A TransferModel has some hundred.")
    try:
        return content.decode("utf-8-sig"), None
    except UnicodeDecodeError as error:
        lines = content[: error.start].split(b"\n")
        place = Place(len(lines), len(lines[-1]) + 1)
        problem = Problem(place, "", "the file is not UTF-8 from here on", "Save it as UTF-8.")
        return content.decode("utf-8", "replace"), problem


def check_text(text: str, path: Path, target: Target, *, problem: Problem | None = None) -> Checked:
    """Check a file whose text is known.

    Args:
        text: of the file.
        path: for the findings, and for relative paths in the text.
        target: where it is to run.
        problem: what is wrong with the file as a whole; nothing else is looked at then.
    """
    if problem is not None:
        return _checked(path, text, [], [problem])
    documents: list[Document] = []
    problems: list[Problem] = []
    parts = [read for lines_before, part in reading.split(text) if (read := reading.read(part, lines_before))]
    for read in parts:
        own = read.problems + (list(_judged(read, target)) if read.places else [])
        problems += own
        if not own:
            documents.append(_document(read, path))
    if not parts:
        remedy = "Write a TransferModel; transfermodel init DIR makes one for images, texts or recordings."
        problems.append(Problem(_TOP, "", "the file is empty", remedy))
    return _checked(path, text, documents, problems + problems_together(documents))


def contents(path: Path) -> bytes:
    """Read a file or standard input.

    Raises:
        UsageError: it is not there, a folder, or not readable.
    """
    if str(path) == STANDARD_INPUT:
        return sys.stdin.buffer.read()
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise UsageError(f"There is no file {path}.", _others_there(path)) from None
    except IsADirectoryError:
        raise UsageError(f"{path} is a folder.", "Name a YAML file in it.") from None
    except PermissionError:
        raise UsageError(f"{path} may not be read.", "Check who owns it.") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.", "Check the path.") from None


def folder_of(path: Path) -> Path:
    """Return the folder that relative paths in a file are relative to."""
    return Path.cwd() if str(path) == STANDARD_INPUT else path.absolute().parent


def _others_there(path: Path) -> str:
    """Say which files could have been meant."""
    folder = path.parent
    names = (
        sorted(each.name for each in folder.iterdir() if each.suffix in (".yaml", ".yml")) if folder.is_dir() else []
    )
    if near := get_close_matches(path.name, names, n=1):
        return f"Did you mean {folder / near[0]}?"
    return "transfermodel init DIR writes one for images, texts or recordings."


def _checked(path: Path, text: str, documents: list[Document], problems: list[Problem]) -> Checked:
    findings = [
        Finding("error", str(path), each.place.line, each.place.column, each.path, each.message, each.remedy)
        for each in sorted(problems, key=lambda each: (each.place.line, each.place.column))
    ]
    return Checked(str(path), tuple(documents), tuple(dict.fromkeys(findings)), tuple(text.splitlines()))


def _judged(read: reading.Read, target: Target) -> Iterator[Problem]:
    """Yield what is wrong with one document as an object of Kubernetes."""
    value, places = read.value, read.places
    if not isinstance(value, dict):
        what = "a list" if isinstance(value, list) else "no mapping"
        remedy = "Begin with apiVersion: and kind:, and put several objects below each other with --- between them."
        yield Problem(places[""], "", f"the document is {what}", remedy)
        return
    for key, wanted, example in (("apiVersion", API_VERSION, GROUP), ("kind", KIND, KIND)):
        given = value.get(key)
        if given is None:
            yield Problem(places[""], key, f"{key} is missing", f"Add {key}: {wanted}.")
        elif given != wanted:
            place = places[key].of_value
            yield Problem(place, key, f"{key} is {given}, which is not {wanted}", f"Write {key}: {wanted}.")
            if not get_close_matches(str(given), (wanted, example), n=1, cutoff=0.7):
                # Another object of Kubernetes, or something else altogether: no more to say about it.
                return
    judge = Judge(_schema(), places, target)
    for path, message, remedy in metadata.judge(value.get("metadata")):
        judge.say(path, message, remedy)
        if path in ("metadata", "metadata.name"):
            judge.mark_broken(path)
    # The status is the operator's: the API server drops what anybody else says there.
    judge.judge(completed({key: each for key, each in value.items() if key != "status"}, _schema()))
    yield from judge.problems


@cache
def _schema() -> Schema:
    versions = custom_resource_definition()["spec"]["versions"]
    schema: Schema = versions[0]["schema"]["openAPIV3Schema"]
    # metadata has rules of its own; here only a rule of the CRD speaks of its name.
    return schema | {"properties": schema["properties"] | {"metadata": {}}}


def _document(read: reading.Read, path: Path) -> Document:
    manifest: dict[str, Any] = read.value
    meta = manifest["metadata"]
    return Document(
        file=path,
        folder=folder_of(path),
        name=meta["name"],
        namespace=meta.get("namespace") or DEFAULT_NAMESPACE,
        spec=_spec(completed(manifest["spec"], _schema()["properties"]["spec"])),
        manifest=manifest,
        lines={name: (place.line, place.column) for name, place in read.places.items()},
    )


def _spec(spec: dict[str, Any]) -> TransferModelSpec:
    """Return the typed spec; the type takes no URI shorter than six characters, but ./././a is the same file as a."""
    return TransferModelSpec.model_validate(_lengthened(spec))


def _lengthened(value: Any) -> Any:
    if isinstance(value, list):
        return [_lengthened(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key: "./" * _SHORTEST_URI + each
        if key == "uri" and is_local(each) and len(each) < _SHORTEST_URI
        else _lengthened(each)
        for key, each in value.items()
    }
