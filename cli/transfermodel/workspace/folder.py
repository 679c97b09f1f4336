"""The workspace itself: where it is, and what it holds."""

import os
import re
from pathlib import Path
from typing import Final

from transfermodel.documents.types import DEFAULT_NAMESPACE
from transfermodel.errors import NotFound, UsageError
from transfermodel.workspace.models import LocalModel

VARIABLE: Final = "TRANSFERMODEL_WORKSPACE"
DEFAULT: Final = ".transfermodel"
NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")


class Workspace:
    """A folder of models; nothing is written before something is trained."""

    def __init__(self, root: Path | None = None) -> None:
        """Take the folder; default: $TRANSFERMODEL_WORKSPACE, else .transfermodel in the working directory."""
        self.root = Path(root or os.environ.get(VARIABLE) or DEFAULT).expanduser().absolute()

    @property
    def artifacts(self) -> Path:
        """Where the trainer publishes."""
        return self.root / "artifacts"

    def models(self, namespace: str | None = None) -> list[LocalModel]:
        """Return all models, by name; namespace: only those of it."""
        folder = self.root / "models"
        found = [
            self._model(path.name, path.parent.name)
            for path in sorted(folder.glob("*/*"))
            if path.is_dir() and namespace in (None, path.parent.name)
        ]
        return sorted(found, key=lambda model: (model.name, model.namespace))

    def find(self, name: str, namespace: str | None = None) -> LocalModel | None:
        """Return a model; None: there is none. Without a namespace `default` comes first.

        Raises:
            UsageError: several namespaces have the name, and `default` is none of them.
        """
        found = [model for model in self.models(namespace) if model.name == name]
        if len(found) < 2:
            return found[0] if found else None
        preferred = [model for model in found if model.namespace == DEFAULT_NAMESPACE]
        if preferred:
            return preferred[0]
        raise UsageError(
            f"There are several models {name!r}, in the namespaces {', '.join(model.namespace for model in found)}.",
            "Say which one with --namespace.",
        )

    def model(self, name: str, namespace: str | None = None) -> LocalModel:
        """Return a model.

        Raises:
            NotFound: there is none; names those that there are.
            UsageError: several namespaces have the name.
        """
        found = self.find(name, namespace)
        if found is not None:
            return found
        there = [f"{model.name} ({model.namespace})" for model in self.models()]
        where = f" in namespace {namespace!r}" if namespace else ""
        raise NotFound(
            f"There is no model {name!r}{where} in {self.root}.",
            f"There are: {', '.join(there)}." if there else "Train one: transfermodel run -f FILE.",
        )

    def make(self, name: str, namespace: str) -> LocalModel:
        """Return a model whose folder is there from now on.

        Raises:
            UsageError: the workspace cannot be written, or the names are no names of Kubernetes.
        """
        for text in (name, namespace):
            if not NAME.fullmatch(text):
                raise UsageError(
                    f"{text!r} is no name of a TransferModel or namespace.",
                    "Use small letters, digits and hyphens, such as digits-base.",
                )
        model = self._model(name, namespace)
        try:
            model.folder.mkdir(parents=True, exist_ok=True)
            ignore = self.root / ".gitignore"
            if not ignore.exists():
                ignore.write_text("# Made by transfermodel; everything here can be made again.\n*\n")
        except (PermissionError, FileExistsError, NotADirectoryError) as error:
            raise UsageError(
                f"The workspace {self.root} cannot be written: {error.strerror}.",
                "Name another folder: --workspace DIR, or the environment variable TRANSFERMODEL_WORKSPACE.",
            ) from error
        return model

    def _model(self, name: str, namespace: str) -> LocalModel:
        return LocalModel(name, namespace, self.root / "models" / namespace / name, self.artifacts)
