"""From file names to classes: one sub-folder per class."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from transfermodel_operator.api import Reason

from transfermodel_trainer.errors import RunError, listed

HIDDEN = {"__MACOSX", "Thumbs.db", "desktop.ini"}


@dataclass(frozen=True)
class Classes:
    """What the names of a data source say."""

    labels: tuple[str, ...]
    """Sorted; a sample's class is an index into it."""
    members: tuple[tuple[str, int], ...]
    """(name of the file, class), sorted by class and name."""
    outside: int
    """Files that lie in no class folder; ignored."""
    repeated: int = 0
    """Rows of an index file that name a file once more; ignored."""


def hidden(name: str) -> bool:
    """Tell whether an operating system put the file there, not the user."""
    return any(part.startswith(".") or part in HIDDEN for part in PurePosixPath(name).parts)


def unwrap(names: list[str]) -> str:
    """Return the folder (with its slash) that wraps all class folders, as archives often have one; "" if none does."""
    seen = [name for name in names if not hidden(name)]
    tops = {name.split("/", 1)[0] for name in seen}
    if len(tops) != 1 or any("/" not in name for name in seen):
        return ""
    top = next(iter(tops)) + "/"
    inner = [name[len(top) :] for name in seen if name != top]
    # A single class folder is not a wrapper: a wrapper holds nothing but folders.
    return top if inner and all("/" in name for name in inner) else ""


def find_classes(names: Iterable[str], uri: str, *, role: str = "train") -> Classes:
    """Return the classes of the files; a name that ends in "/" is a folder without content of its own.

    Raises:
        RunError: TooFewClasses, EmptyClass or DataInvalid.
    """
    folders: set[str] = set()
    members: dict[str, str] = {}
    outside = 0
    for name in names:
        if hidden(name):
            continue
        folder, slash, rest = name.partition("/")
        if not slash:
            outside += 1
            continue
        folders.add(folder)
        if rest and not rest.endswith("/"):
            members[name] = folder
    if not folders:
        raise RunError(
            Reason.TOO_FEW_CLASSES,
            f"spec.data.{role}.uri {uri} holds {outside} files but no class folders: put the images of each class "
            "into a sub-folder named after the class.",
        )
    filled = set(members.values())
    empty = sorted(folders - filled)
    if empty:
        raise RunError(
            Reason.EMPTY_CLASS,
            f"spec.data.{role}.uri {uri}: no file in class folder {listed(empty)}; add images to it or remove "
            "the folder.",
        )
    if len(filled) < 2 and role == "train":
        raise RunError(
            Reason.TOO_FEW_CLASSES,
            f"spec.data.{role}.uri {uri} holds only one class ({next(iter(filled))}); a classifier needs at least two: "
            "one sub-folder for each.",
        )
    labels = tuple(sorted(filled))
    index = {label: number for number, label in enumerate(labels)}
    return Classes(labels, tuple((name, index[folder]) for name, folder in sorted(members.items())), outside)


def check_same_classes(train: Classes, other: Classes, role: str, uri: str) -> None:
    """Raise ClassesDiffer unless the other split has exactly the classes of the training data."""
    missing = sorted(set(train.labels) - set(other.labels))
    unknown = sorted(set(other.labels) - set(train.labels))
    if not missing and not unknown:
        return
    parts = []
    if unknown:
        parts.append(f"{listed(unknown)} is not among the training classes")
    if missing:
        parts.append(f"no images of {listed(missing)}")
    raise RunError(
        Reason.CLASSES_DIFFER,
        f"spec.data.{role}.uri {uri} must have the classes of spec.data.train ({listed(list(train.labels))}): "
        f"{'; '.join(parts)}. Rename, add or remove classes.",
    )
