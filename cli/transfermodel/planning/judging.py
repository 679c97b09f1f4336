"""What of the data and of the estimate is worth a word."""

import os
from collections.abc import Iterator
from typing import Any, Final

from transfermodel_operator.api import TransferModelSpec

from transfermodel.modalities import IMAGE, Modality
from transfermodel.planning.types import Advice

IMBALANCE: Final = 3.0
"""The largest class to the smallest: from here on the small one suffers."""
FEW_TO_LEARN_FROM: Final = 10
FEW_TO_JUDGE_BY: Final = 10
"""Test samples of a class: with fewer its own figures are chance."""
TOLERATED_SHARE: Final = 0.1
TOLERATED_FILES: Final = 3
"""Unreadable files that the trainer skips; of more it says that the data is wrong."""
MEMORY_SHARE: Final = 0.9


def of_survey(survey: dict[str, Any], written: dict[str, str], modality: Modality = IMAGE) -> Iterator[Advice]:
    """Yield what is worth a word about the data.

    Args:
        survey: transfermodel_trainer.planning.surveyed.Survey as JSON.
        written: URI -> what the file says.
        modality: what the samples are.
    """
    by_role = {source["role"]: source for source in survey.get("sources", [])}
    for source in survey.get("sources", []):
        yield from _of_source(source, written.get(source["uri"], source["uri"]), modality)
    if "train" in by_role:
        yield from _of_classes(by_role["train"]["classes"], "training", FEW_TO_LEARN_FROM, modality)
    if "test" in by_role:
        yield from _few(by_role["test"]["classes"], "test", FEW_TO_JUDGE_BY, modality)
    elif by_role:
        yield Advice("There is no test set, so the reported accuracy is an estimate.", "Set spec.data.test.uri.")
    for duplicates in survey.get("duplicates", []):
        yield _of_duplicates(duplicates)


def too_unreadable(survey: dict[str, Any], modality: Modality = IMAGE) -> Iterator[Advice]:
    """Yield what the trainer would refuse: more unreadable files than it skips."""
    for source in survey.get("sources", []):
        count, decoded = source["unreadableCount"], source["decoded"]
        if decoded and count > max(TOLERATED_FILES, TOLERATED_SHARE * decoded):
            first = source["unreadable"][0]
            yield Advice(
                f"{count} of {decoded} files of spec.data.{source['role']} cannot be read as {modality.many}, such as "
                f"{first['name']}: {first['problem'].rstrip('.')}.",
                f"Remove them, or store them as {modality.formats}.",
            )


def of_estimate(estimate: dict[str, Any], spec: TransferModelSpec) -> Iterator[Advice]:
    """Yield what is worth a word about time and memory."""
    total = estimate.get("seconds", {}).get("total", 0.0)
    limit = spec.training.max_duration_seconds
    if total > limit:
        yield Advice(
            f"Training would end early: it is estimated to take {duration(total)}, and "
            f"spec.training.maxDurationSeconds is {limit}; the best model until then would be published.",
            f"Set maxDurationSeconds: {_rounded_up(total * 1.5)}, or use a smaller input, fewer epochs or a GPU.",
        )
    memory, there = estimate.get("memoryBytes"), physical_memory()
    if memory and there and memory > MEMORY_SHARE * there:
        yield Advice(
            f"It needs about {size(memory)} of memory, and this machine has {size(there)}.",
            "Set a smaller spec.backbone.input.size or spec.training.fineTuning.batchSize, or use a larger machine.",
        )


def physical_memory() -> int | None:
    """Return this machine's memory in bytes."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return None


def duration(seconds: float) -> str:
    """Return a duration for people."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 5400:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"


def size(count: float) -> str:
    """Return a number of bytes for people."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}" if count < 10 * factor else f"{count / factor:.0f} {unit}"
    return f"{count:.0f} B"


def _of_source(source: dict[str, Any], uri: str, modality: Modality) -> Iterator[Advice]:
    role = source["role"]
    if source["unreadableCount"]:
        names = ", ".join(each["name"] for each in source["unreadable"][:3])
        yield Advice(
            f"spec.data.{role} has {_files(source['unreadableCount'])} to be skipped, not readable as {modality.many}: "
            f"{names}.",
            "Remove or repair them.",
        )
    if source["tinyCount"]:
        yield Advice(
            f"spec.data.{role} has {_files(source['tinyCount'])} with sides of less than 16 pixels, such as "
            f"{source['tiny'][0]}: little can be seen on them.",
            "Check that they are not thumbnails.",
        )
    if source["outside"]:
        yield Advice(
            f"{uri} has {_files(source['outside'])} outside of the class folders, to be ignored.",
            "Put them into the folder of their class, or remove them.",
        )


def _of_classes(classes: list[dict[str, Any]], what: str, few: int, modality: Modality) -> Iterator[Advice]:
    yield from _few(classes, what, few, modality)
    if len(classes) < 2:
        return
    least, most = (pick(classes, key=lambda each: each["count"]) for pick in (min, max))
    ratio = most["count"] / least["count"]
    if ratio >= IMBALANCE:
        yield Advice(
            f"The classes are of unequal size: {most['label']} has {ratio:.0f} times as many {what} {modality.many} as "
            f"{least['label']}, which will be recognised less often.",
            f"Add {modality.many} of {least['label']}.",
        )


def _few(classes: list[dict[str, Any]], what: str, few: int, modality: Modality) -> Iterator[Advice]:
    small = [each for each in classes if each["count"] < few]
    if small:
        names = ", ".join(f"{each['label']} ({each['count']})" for each in small[:5])
        more = f" and {len(small) - 5} more" if len(small) > 5 else ""
        yield Advice(
            f"Fewer than {few} {what} {modality.many}: {names}{more}.", f"Add {modality.many}: {few} is little already."
        )


def _of_duplicates(duplicates: dict[str, Any]) -> Advice:
    first, second = duplicates["splits"]
    count, example = duplicates["count"], duplicates["examples"][0]
    other = f" {duplicates['mislabelled']} of them in another class!" if duplicates["mislabelled"] else ""
    if first == second:
        copies = "1 copy" if count == 1 else f"{count} copies"
        return Advice(
            f"spec.data.{first} has {copies} of other files, such as {example[1]} of {example[0]}.{other}",
            "Remove the copies: they count twice.",
        )
    why = ": the figures will be too good" if first == "train" else ""
    return Advice(
        f"spec.data.{second} shares {_files(count)} with spec.data.{first}, such as {example[1]} "
        f"({example[0]}){why}.{other}",
        "Remove them from one of the two.",
    )


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count} files"


def _rounded_up(seconds: float) -> int:
    return -(-int(seconds) // 600) * 600
