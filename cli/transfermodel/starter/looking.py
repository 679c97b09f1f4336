"""Look at a folder: class folders, splits of them, or index files; what cannot be learned from is said."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from transfermodel.errors import DataInvalid, UsageError
from transfermodel.predictions.inputs import SUFFIXES, images_below
from transfermodel.starter import index
from transfermodel.starter.types import Found, Role

SPLITS: Final[Mapping[str, Role]] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
SYSTEM_FOLDERS: Final = ("__MACOSX",)
SYSTEM_FILES: Final = ("Thumbs.db", "desktop.ini")
MEASURED: Final = 200
"""Images whose size is read."""
ONE_FOLDER_EACH: Final = "Make one sub-folder for each class, called as the class, and put its images into it."
ARCHIVES: Final = (".zip", ".tar", ".tgz", ".tar.gz")


def look(root: Path) -> Found:
    """Return what a folder or an index file holds.

    Raises:
        UsageError: it is not there, or neither a folder nor an index file.
        DataInvalid: nothing can be learned from it; the remedy says how it must be laid out.
    """
    if not root.exists():
        raise UsageError(f"There is no folder {root}.", "Check the path.")
    if root.is_file():
        if root.suffix not in index.SUFFIXES:
            remedy = (
                "Unpack it, and name the folder." if root.name.endswith(ARCHIVES) else "Name the folder they lie in."
            )
            raise UsageError(f"{root} is a file, and no .csv or .jsonl that lists images.", remedy)
        return index.look({"train": root}, root)
    if not os.access(root, os.R_OK | os.X_OK):
        raise UsageError(f"The folder {root} may not be read.", "Check who owns it.")
    folders, files = _entries(root)
    splits = {SPLITS[folder.name.lower()]: folder for folder in folders if folder.name.lower() in SPLITS}
    if "train" in splits:
        return _splits(root, splits, folders, files)
    indices = {file for file in files if file.suffix in index.SUFFIXES}
    classes = [folder for folder in folders if next(images_below(folder), None)]
    if indices and (not classes or _index_of(indices)):
        return index.look(_index_sources(root, indices), root)
    _check(root, folders, files, classes)
    counts = {folder.name: _count(folder) for folder in classes}
    return Found(
        root, {"train": root}, {"train": counts}, median_side(root), notes=_notes(root, folders, files, classes)
    )


def median_side(*folders: Path) -> int:
    """Return the median of the shorter sides of some images, in pixels; images are only begun to be read."""
    return median_of([image for folder in folders for image in images_below(folder)])


def median_of(images: Sequence[Path]) -> int:
    """Return the median of the shorter sides of some of the images, in pixels.

    Raises:
        DataInvalid: none of them can be read.
    """
    from PIL import Image

    sides = []
    for path in images[:: max(1, -(-len(images) // MEASURED))]:
        try:
            with Image.open(path) as image:
                sides.append(min(image.size))
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            continue
    if not sides:
        raise DataInvalid(
            f"None of the images can be read, such as {images[0]}.", "Store them as PNG, JPEG, WEBP, BMP, GIF or TIFF."
        )
    return sorted(sides)[len(sides) // 2]


def _splits(root: Path, splits: Mapping[Role, Path], folders: Sequence[Path], files: Sequence[Path]) -> Found:
    """Return train, validation and test folders, each with the same class folders."""
    counts: dict[Role, dict[str, int]] = {}
    notes: list[str] = []
    for role, folder in splits.items():
        inner, inner_files = _entries(folder)
        classes = [each for each in inner if next(images_below(each), None)]
        _check(folder, inner, inner_files, classes, alone=role == "train")
        counts[role] = {each.name: _count(each) for each in classes}
        notes += _notes(folder, inner, inner_files, classes)
    for role, found in counts.items():
        if missing := sorted(counts["train"].keys() - found.keys()):
            raise DataInvalid(
                f"{splits[role]} has no images of {', '.join(missing)}, which {splits['train']} has.",
                "Both must have the same class folders: add images, or remove the class from both.",
            )
        if unknown := sorted(found.keys() - counts["train"].keys()):
            raise DataInvalid(
                f"{splits[role]} has images of {', '.join(unknown)}, which {splits['train']} has not.",
                "Both must have the same class folders: add images to train, or remove the folder.",
            )
    others = [folder.name for folder in folders if folder not in splits.values()]
    if others:
        notes.append(f"{_listed(others)} beside {splits['train'].name} is not used.")
    if files:
        are = "is" if len(files) == 1 else "are"
        notes.append(f"{_files(len(files))} beside {splits['train'].name} {are} not used, such as {files[0].name}.")
    return Found(root, splits, counts, median_side(splits["train"]), notes=tuple(notes))


def _check(
    root: Path, folders: Sequence[Path], files: Sequence[Path], classes: Sequence[Path], *, alone: bool = True
) -> None:
    """Raise DataInvalid unless the folder has class folders; alone: they must be two."""
    images = [file for file in files if file.name.lower().endswith(SUFFIXES)]
    if not classes:
        if images:
            raise DataInvalid(f"{root} holds {_files(len(images), 'image')}, but no class folders.", ONE_FOLDER_EACH)
        if not folders and not files:
            raise DataInvalid(f"The folder {root} is empty.", ONE_FOLDER_EACH)
        raise DataInvalid(
            f"There is no image in {root}.", f"Images are files that end in {', '.join(SUFFIXES)}. {ONE_FOLDER_EACH}"
        )
    inner = {folder: _class_names(folder) for folder in classes}
    if len(classes) == 1:
        (only,) = classes
        if len(inner[only]) > 1:
            raise DataInvalid(f"The class folders lie one level deeper, in {only}.", f"transfermodel init {only}")
        if alone:
            raise DataInvalid(
                f"{root} holds only one class ({only.name}); a classifier needs at least two.", ONE_FOLDER_EACH
            )
    first = inner[classes[0]]
    if len(first) > 1 and all(names == first for names in inner.values()):
        raise DataInvalid(
            f"The folders {_listed([each.name for each in classes])} of {root} all hold {_listed(sorted(first))}: "
            "they look like splits of one data set, not like classes.",
            "Call them train, validation and test.",
        )


def _class_names(folder: Path) -> frozenset[str]:
    """Return the sub-folders that hold images, of a folder that holds none itself."""
    folders, files = _entries(folder)
    if any(file.name.lower().endswith(SUFFIXES) for file in files):
        return frozenset()
    return frozenset(each.name for each in folders if next(images_below(each), None))


def _notes(root: Path, folders: Sequence[Path], files: Sequence[Path], classes: Sequence[Path]) -> tuple[str, ...]:
    notes = []
    images = [file for file in files if file.name.lower().endswith(SUFFIXES)]
    if images:
        lies = "lies" if len(images) == 1 else "lie"
        notes.append(
            f"Beside the class folders of {root} {lies} {_files(len(images), 'image')} "
            f"that will be ignored, such as {images[0].name}: move what counts into a class folder."
        )
    others = [folder for folder in folders if folder not in classes]
    # A folder is a class by what lies in it; an empty one is none.
    if filled := [folder.name for folder in others if any(path.is_file() for path in folder.rglob("*"))]:
        raise DataInvalid(
            f"{_listed(filled)} of {root} holds files, but no images.", "Add images to it, or move it: it is no class."
        )
    if others:
        notes.append(f"{_listed([each.name for each in others])} of {root} is empty, so it is no class.")
    return tuple(notes)


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


def _count(folder: Path) -> int:
    return sum(1 for _ in images_below(folder))


def count_labels(labels: Sequence[str]) -> dict[str, int]:
    """Return how often each label is there, by label."""
    return dict(sorted(Counter(labels).items()))


def _files(count: int, what: str = "file") -> str:
    return f"1 {what}" if count == 1 else f"{count} {what}s"


def _listed(names: Sequence[str], limit: int = 5) -> str:
    shown = ", ".join(names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"
