"""From file names to classes: one sub-folder per class."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from transfermodel_operator.api import Reason
from transfermodel_operator.api.spec import Task

from transfermodel_trainer.data.nouns import nouns
from transfermodel_trainer.errors import RunError, listed

HIDDEN: Final = {"__MACOSX", "Thumbs.db", "desktop.ini"}
MOST_SAMPLES: Final = 1_000_000
"""Of one source; more names than that are not held in memory."""
LONGEST_LABEL: Final = 255


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


def is_plain(text: str) -> bool:
    """Tell whether it is one line of whole characters: no control characters, no halves of a surrogate pair."""
    return all(unicodedata.category(character) not in ("Cc", "Cs", "Zl", "Zp") for character in text)


def checked_label(text: str) -> str:
    """Return the label in Unicode's form NFC: macOS stores "é" as two characters in names, keyboards write one.

    Raises:
        ValueError: with what is wrong with it.
    """
    label = unicodedata.normalize("NFC", text)
    if len(label) > LONGEST_LABEL or not is_plain(label):
        raise ValueError(
            f"the label {label[:40]!a} has more than {LONGEST_LABEL} characters, or some that no line of UTF-8 can hold"
        )
    return label


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


def find_classes(names: Iterable[str], uri: str, *, role: str = "train", task: Task = "ImageClassification") -> Classes:
    """Return the classes of the files; a name that ends in "/" is a folder without content of its own.

    Raises:
        RunError: TooFewClasses, EmptyClass or DataInvalid.
    """
    many = nouns(task).many
    labels_of: dict[str, str] = {}
    """By folder: two folders have one label when they differ only in how Unicode spells it."""
    members: dict[str, str] = {}
    outside = 0
    for name in names:
        if hidden(name):
            continue
        folder, slash, rest = name.partition("/")
        if not slash:
            outside += 1
            continue
        if folder not in labels_of:
            labels_of[folder] = _label_of(folder, uri, role)
        if rest and not rest.endswith("/"):
            members[name] = labels_of[folder]
    if not labels_of:
        raise RunError(
            Reason.TOO_FEW_CLASSES,
            f"spec.data.{role}.uri {uri} holds {outside} files but no class folders: put the {many} of each class "
            "into a sub-folder named after the class.",
        )
    filled = set(members.values())
    empty = sorted(set(labels_of.values()) - filled)
    if empty:
        raise RunError(
            Reason.EMPTY_CLASS,
            f"spec.data.{role}.uri {uri}: no file in class folder {listed(empty)}; add {many} to it or remove "
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
    ordered = sorted((index[label], name) for name, label in members.items())
    return Classes(labels, tuple((name, label) for label, name in ordered), outside)


def _label_of(folder: str, uri: str, role: str) -> str:
    try:
        return checked_label(folder)
    except ValueError as error:
        raise RunError(
            Reason.DATA_INVALID, f"spec.data.{role}.uri {uri}: {error}: give the class folder another name."
        ) from error


def check_same_classes(train: Classes, other: Classes, role: str, uri: str, task: Task = "ImageClassification") -> None:
    """Raise ClassesDiffer unless the other split has exactly the classes of the training data."""
    missing = sorted(set(train.labels) - set(other.labels))
    unknown = sorted(set(other.labels) - set(train.labels))
    if not missing and not unknown:
        return
    parts = []
    if unknown:
        parts.append(f"{listed(unknown)} is not among the training classes")
    if missing:
        parts.append(f"no {nouns(task).many} of {listed(missing)}")
    raise RunError(
        Reason.CLASSES_DIFFER,
        f"spec.data.{role}.uri {uri} must have the classes of spec.data.train ({listed(list(train.labels))}): "
        f"{'; '.join(parts)}. Rename, add or remove classes.",
    )
