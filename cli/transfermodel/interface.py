"""The functions of `import transfermodel`."""

from collections.abc import Sequence
from pathlib import Path

from transfermodel.documents import Document, Finding, Target, check, in_order, with_bases
from transfermodel.documents import load as load_documents
from transfermodel.errors import NotFound
from transfermodel.local import Trained, train
from transfermodel.notebook import progress_view
from transfermodel.result import Result
from transfermodel.workspace import Workspace


def run(
    source: str | Path | Document | Sequence[Document],
    *,
    name: str | None = None,
    workspace: str | Path | None = None,
    quiet: bool = False,
) -> Result:
    """Train what a YAML file asks for, on this machine; return the result of its last TransferModel.

    What it starts from is trained first. Where nothing changed, nothing is trained; where a run was interrupted, it
    goes on. In a notebook a bar shows the progress, elsewhere lines on stderr do.

    Args:
        source: a YAML file, or documents made with `transfer_model`.
        name: the TransferModel to train with what it starts from; default: all, and the last is returned.
        workspace: folder of all results; default: $TRANSFERMODEL_WORKSPACE, else .transfermodel.
        quiet: show no progress.

    Raises:
        TransferModelError: a sentence that says what is wrong; its `remedy` says what to do.
    """
    documents = with_bases(in_order(read(source)), name)
    folder = Workspace(Path(workspace) if workspace is not None else None)
    return [result_of(run_one(document, folder, quiet=quiet)) for document in documents][-1]


def read(source: str | Path | Document | Sequence[Document]) -> list[Document]:
    """Return the documents that are meant. Raises DocumentInvalid and UsageError."""
    if isinstance(source, Document):
        return [source]
    if isinstance(source, str | Path):
        return load_documents(Path(source), Target.LOCAL)
    return list(source)


def run_one(document: Document, workspace: Workspace, *, quiet: bool) -> Trained:
    """Train one document and show how it goes."""
    with progress_view(document.name, quiet=quiet) as view:
        trained = train(document, workspace, on_progress=view.on_progress, on_line=view.on_line)
        view.done(trained)
    return trained


def result_of(trained: Trained) -> Result:
    """Return what a run gives to Python."""
    return Result(trained.model, trained.version, unchanged=trained.unchanged, resumed=trained.resumed)


def load(
    name: str, *, version: str | None = None, namespace: str | None = None, workspace: str | Path | None = None
) -> Result:
    """Return what was trained before.

    Args:
        name: of the TransferModel.
        version: such as v1; default: what the last run came to.
        namespace: default: the only one that knows the name.
        workspace: folder of all results; default: $TRANSFERMODEL_WORKSPACE, else .transfermodel.

    Raises:
        NotFound: there is no such model or version.
    """
    model = Workspace(Path(workspace) if workspace is not None else None).model(name, namespace)
    versions = model.versions()
    found = model.current() if version is None else next((v for v in versions if v.name == version), None)
    if found is None:
        there = ", ".join(each.name for each in versions)
        raise NotFound(
            f"{name} has no version{f' {version}' if version else ' yet'}.",
            f"There are: {there}." if there else "Train one: transfermodel.run(FILE).",
        )
    return Result(model, found, unchanged=True)


def validate(path: str | Path) -> list[Finding]:
    """Return everything that is wrong with a YAML file, for this machine; an empty list: it can be run.

    Raises:
        UsageError: the file cannot be read.
    """
    return list(check(Path(path), Target.LOCAL).findings)
