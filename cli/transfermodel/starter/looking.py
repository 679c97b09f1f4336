"""Look at a folder: class folders, splits of them, or index files; what cannot be learned from is said."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from transfermodel_operator.api.spec import Task

from transfermodel.errors import DataInvalid, UsageError
from transfermodel.modalities import MODALITIES, Modality
from transfermodel.predictions.inputs import files_below
from transfermodel.starter import index
from transfermodel.starter.measuring import median_of_files
from transfermodel.starter.types import Found, Role

SPLITS: Final[Mapping[str, Role]] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
SYSTEM_FOLDERS: Final = ("__MACOSX",)
SYSTEM_FILES: Final = ("Thumbs.db", "desktop.ini")
ARCHIVES: Final = (".zip", ".tar", ".tgz", ".tar.gz")


def look(root: Path, task: Task | None = None) -> Found:
    """Return what a folder or an index file holds.

    Args:
        root: the folder or the file.
        task: what is to be learned; default: what the samples say.

    Raises:
        UsageError: it is not there, neither a folder nor an index file, or it holds samples of several tasks.
        DataInvalid: nothing can be learned from it; the remedy says how it must be laid out.
    """
    if not root.exists():
        raise UsageError(f"There is no folder {root}.", "Check the path.")
    if root.is_file():
        if root.suffix not in index.SUFFIXES:
            remedy = (
                "Unpack it, and name the folder." if root.name.endswith(ARCHIVES) else "Name the folder they lie in."
            )
            raise UsageError(f"{root} is a file, and no .csv or .jsonl that lists samples and their labels.", remedy)
        return index.look({"train": root}, root, task)
    if not os.access(root, os.R_OK | os.X_OK):
        raise UsageError(f"The folder {root} may not be read.", "Check who owns it.")
    folders, files = _entries(root)
    splits = {SPLITS[folder.name.lower()]: folder for folder in folders if folder.name.lower() in SPLITS}
    if "train" in splits:
        return _splits(root, splits, folders, files, task)
    indices = {file for file in files if file.suffix in index.SUFFIXES}
    modality = None if indices and _index_of(indices) else _modality_of(root, folders, task)
    classes = [] if modality is None else _with_samples(folders, modality)
    if indices and not classes:
        return index.look(_index_sources(root, indices), root, task)
    if modality is None or not classes:
        raise _nothing(root, folders, files, modality)
    _check(root, classes, modality)
    counts = {folder.name: _count(folder, modality) for folder in classes}
    median = median_of_files(list(files_below(root, modality.suffixes)), modality)
    notes = _notes(root, folders, files, classes, modality)
    return Found(modality, root, {"train": root}, {"train": counts}, median, notes=notes)


def _modality_of(root: Path, folders: Sequence[Path], task: Task | None) -> Modality | None:
    """Return what the class folders hold; None: nothing that can be learned from.

    A class folder is not told by one stray file: of what is to be learned there are two classes at least.

    Raises:
        UsageError: several tasks could be meant.
    """
    if task is not None:
        return MODALITIES[task]
    every = list(MODALITIES.values())
    likely = [each for each in every if len(_with_samples(folders, each)) > 1]
    if len(likely) > 1:
        counts = [f"{sum(_count(folder, each) for folder in folders)} {each.many}" for each in likely]
        raise UsageError(
            f"{root} holds {' and '.join(counts)}.",
            f"Say what to learn from: {' or '.join(f'--task {each.task}' for each in likely)}.",
        )
    return next((each for each in likely or every if next(files_below(root, each.suffixes), None)), None)


def _splits(
    root: Path, splits: Mapping[Role, Path], folders: Sequence[Path], files: Sequence[Path], task: Task | None
) -> Found:
    """Return train, validation and test folders, each with the same class folders."""
    counts: dict[Role, dict[str, int]] = {}
    notes: list[str] = []
    train_folders, train_files = _entries(splits["train"])
    modality = _modality_of(splits["train"], train_folders, task)
    if modality is None:
        raise _nothing(splits["train"], train_folders, train_files, modality)
    for role, folder in sorted(splits.items(), key=lambda each: each[0] != "train"):
        inner, inner_files = _entries(folder)
        classes = _with_samples(inner, modality)
        if not classes:
            raise _nothing(folder, inner, inner_files, modality)
        _check(folder, classes, modality, alone=role == "train")
        counts[role] = {each.name: _count(each, modality) for each in classes}
        notes += _notes(folder, inner, inner_files, classes, modality)
    for role, found in counts.items():
        if missing := sorted(counts["train"].keys() - found.keys()):
            raise DataInvalid(
                f"{splits[role]} has no {modality.many} of {', '.join(missing)}, which {splits['train']} has.",
                f"Both must have the same class folders: add {modality.many}, or remove the class from both.",
            )
        if unknown := sorted(found.keys() - counts["train"].keys()):
            raise DataInvalid(
                f"{splits[role]} has {modality.many} of {', '.join(unknown)}, which {splits['train']} has not.",
                f"Both must have the same class folders: add {modality.many} to train, or remove the folder.",
            )
    others = [folder.name for folder in folders if folder not in splits.values()]
    if others:
        notes.append(f"{_listed(others)} beside {splits['train'].name} is not used.")
    if files:
        are = "is" if len(files) == 1 else "are"
        notes.append(f"{_files(len(files))} beside {splits['train'].name} {are} not used, such as {files[0].name}.")
    median = median_of_files(list(files_below(splits["train"], modality.suffixes)), modality)
    return Found(modality, root, splits, counts, median, notes=tuple(notes))


def _nothing(root: Path, folders: Sequence[Path], files: Sequence[Path], modality: Modality | None) -> DataInvalid:
    """Return the error for a folder without class folders; modality: what they should hold, where that is known."""
    every = [modality] if modality else list(MODALITIES.values())
    for each in every:
        if beside := [file for file in files if file.name.lower().endswith(each.suffixes)]:
            return DataInvalid(
                f"{root} holds {_files(len(beside), each.one)}, but no class folders.", _one_folder_each(each.many)
            )
    one_folder_each = _one_folder_each(modality.many if modality else "samples")
    if not folders and not files:
        return DataInvalid(f"The folder {root} is empty.", one_folder_each)
    known = "; ".join(f"{each.many} are files that end in {', '.join(each.suffixes)}" for each in every)
    return DataInvalid(
        f"There is no {' and no '.join(each.one for each in every)} in {root}.",
        f"{known[0].upper()}{known[1:]}. {one_folder_each}",
    )


def _one_folder_each(many: str) -> str:
    return f"Make one sub-folder for each class, called as the class, and put its {many} into it."


def _check(root: Path, classes: Sequence[Path], modality: Modality, *, alone: bool = True) -> None:
    """Raise DataInvalid unless these are class folders; alone: they must be two."""
    inner = {folder: _class_names(folder, modality) for folder in classes}
    if len(classes) == 1:
        (only,) = classes
        if len(inner[only]) > 1:
            raise DataInvalid(f"The class folders lie one level deeper, in {only}.", f"transfermodel init {only}")
        if alone:
            raise DataInvalid(
                f"{root} holds only one class ({only.name}); a classifier needs at least two.",
                _one_folder_each(modality.many),
            )
    first = inner[classes[0]]
    if len(first) > 1 and all(names == first for names in inner.values()):
        raise DataInvalid(
            f"The folders {_listed([each.name for each in classes])} of {root} all hold {_listed(sorted(first))}: "
            "they look like splits of one data set, not like classes.",
            "Call them train, validation and test.",
        )


def _class_names(folder: Path, modality: Modality) -> frozenset[str]:
    """Return the sub-folders that hold samples, of a folder that holds none itself."""
    folders, files = _entries(folder)
    if any(file.name.lower().endswith(modality.suffixes) for file in files):
        return frozenset()
    return frozenset(each.name for each in _with_samples(folders, modality))


def _notes(
    root: Path, folders: Sequence[Path], files: Sequence[Path], classes: Sequence[Path], modality: Modality
) -> tuple[str, ...]:
    notes = []
    samples = [file for file in files if file.name.lower().endswith(modality.suffixes)]
    if samples:
        lies = "lies" if len(samples) == 1 else "lie"
        notes.append(
            f"Beside the class folders of {root} {lies} {_files(len(samples), modality.one)} "
            f"that will be ignored, such as {samples[0].name}: move what counts into a class folder."
        )
    others = [folder for folder in folders if folder not in classes]
    # A folder is a class by what lies in it; an empty one is none.
    if filled := [folder.name for folder in others if any(path.is_file() for path in folder.rglob("*"))]:
        raise DataInvalid(
            f"{_listed(filled)} of {root} holds files, but no {modality.many}.",
            f"Add {modality.many} to it, or move it: it is no class.",
        )
    if others:
        notes.append(f"{_listed([each.name for each in others])} of {root} is empty, so it is no class.")
    return tuple(notes)


def _with_samples(folders: Sequence[Path], modality: Modality) -> list[Path]:
    """Return the folders that hold samples, themselves or deeper."""
    return [folder for folder in folders if next(files_below(folder, modality.suffixes), None)]


def _index_of(files: set[Path]) -> bool:
    """Tell whether one of the files is called as the index of a split."""
    return any(file.stem.lower() in SPLITS for file in files)


def _index_sources(root: Path, files: set[Path]) -> dict[Role, Path]:
    named = {SPLITS[file.stem.lower()]: file for file in sorted(files) if file.stem.lower() in SPLITS}
    if "train" in named:
        return named
    if len(files) > 1:
        names = _listed(sorted(file.name for file in files))
        raise UsageError(f"{root} holds several index files: {names}.", f"Name one: transfermodel init {min(files)}")
    return {"train": next(iter(files))}


def _entries(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return the sub-folders and the files of a folder; an operating system's own are left out."""
    entries = sorted(each for each in folder.iterdir() if not each.name.startswith("."))
    folders = [each for each in entries if each.is_dir() and each.name not in SYSTEM_FOLDERS]
    return folders, [each for each in entries if each.is_file() and each.name not in SYSTEM_FILES]


def _count(folder: Path, modality: Modality) -> int:
    return sum(1 for _ in files_below(folder, modality.suffixes))


def _files(count: int, what: str = "file") -> str:
    return f"1 {what}" if count == 1 else f"{count} {what}s"


def _listed(names: Sequence[str], limit: int = 5) -> str:
    shown = ", ".join(names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"
