"""Several TransferModels of one file: a base comes before what starts from it."""

from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter

from transfermodel.documents.types import Document, Place, Problem
from transfermodel.errors import DocumentInvalid, NotFound

_BASE = "spec.backbone.fromTransferModel"

Key = tuple[str, str]


def in_order(documents: Iterable[Document]) -> list[Document]:
    """Return the documents with every base before what starts from it; otherwise in the order given.

    Raises:
        DocumentInvalid: they start from each other in a circle.
    """
    known = {key_of(document): document for document in documents}
    sorter = TopologicalSorter({key: _bases(document, known) for key, document in known.items()})
    try:
        return [known[key] for key in sorter.static_order()]
    except CycleError as error:
        raise DocumentInvalid(_sentence(error), "Let one of them start from a backbone's name.") from None


def with_bases(documents: list[Document], name: str | None) -> list[Document]:
    """Return the document of this name after those that it starts from; None: all.

    Args:
        documents: of one file, each after its base.
        name: of the last that is wanted.

    Raises:
        NotFound: there is none of this name.
    """
    if name is None:
        return documents
    names = [document.name for document in documents]
    if name not in names:
        raise NotFound(f"The file holds no TransferModel {name!r}.", f"It holds {', '.join(names)}.")
    wanted = {name}
    for document in reversed(documents):
        base = document.spec.backbone.from_transfer_model
        if document.name in wanted and base is not None:
            wanted.add(base)
    return [document for document in documents if document.name in wanted]


def problems_together(documents: list[Document]) -> list[Problem]:
    """Return what is wrong with documents that are each right."""
    problems = []
    first: dict[Key, Document] = {}
    for document in documents:
        earlier = first.setdefault(key_of(document), document)
        if earlier is not document:
            line, _ = earlier.lines["metadata.name"]
            message = f"{document.name} is in this file twice: here and in line {line}"
            problems.append(_problem(document, "metadata.name", message, "Give one of them another name."))
    try:
        sorter = TopologicalSorter({key: _bases(document, first) for key, document in first.items()})
        sorter.prepare()
    except CycleError as error:
        message = _sentence(error).rstrip(".")
        remedy = "Let one of them start from a backbone's name."
        problems.append(_problem(first[error.args[1][0]], _BASE, message, remedy))
    return problems


def key_of(document: Document) -> Key:
    """Return what tells TransferModels apart."""
    return document.namespace, document.name


def _bases(document: Document, known: dict[Key, Document]) -> list[Key]:
    base = document.spec.backbone.from_transfer_model
    key = (document.namespace, base or "")
    return [key] if key in known else []


def _sentence(error: CycleError) -> str:
    # graphlib lists each before what starts from it.
    names = [name for _, name in reversed(error.args[1])]
    if len(set(names)) == 1:
        return f"{names[0]} starts from itself."
    return f"These start from each other in a circle: {' from '.join(names)}."


def _problem(document: Document, path: str, message: str, remedy: str) -> Problem:
    line, column = document.lines[path]
    return Problem(Place(line, column), path, message, remedy)
