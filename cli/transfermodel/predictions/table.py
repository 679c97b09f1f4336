"""Answers as a table for other programs."""

import csv
import os
from collections.abc import Sequence
from pathlib import Path

from transfermodel.errors import UsageError
from transfermodel.predictions.types import Prediction

COLUMNS = ("label", "probability", "modelVersion")
SHARE = "probability of {}"
"""The column of one label."""


def check_writable(path: Path) -> None:
    """Find out before anything is asked whether the table can be written.

    Raises:
        UsageError: It cannot.
    """
    folder = path.absolute().parent
    if path.is_dir():
        raise UsageError(f"{path} is a folder.", "Give the name of a file, such as results.csv.")
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder}.", "Make it, or give another --out.")
    if not os.access(folder, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
        raise UsageError(f"{path} may not be written.", "Check who owns it, or give another --out.")


def write_csv(path: Path, predictions: Sequence[Prediction]) -> None:
    """Write one row per answer, with every label's probability; what was there stays until all is written.

    Raises:
        OSError: There is no space left, or the like.
    """
    labels = list(dict.fromkeys(label for prediction in predictions for label in prediction.probabilities))
    texts = [answer.text is not None for answer in predictions]
    asked = [*(["text"] if any(texts) else []), *(["file"] if not texts or not all(texts) else [])]
    written = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        # Names of files may hold bytes that are no UTF-8; they come out as they went in.
        with written.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
            writer = csv.writer(file)
            writer.writerow([*asked, *COLUMNS, *map(SHARE.format, labels)])
            for answer in predictions:
                shares = [answer.probabilities.get(label, "") for label in labels]
                names = [getattr(answer, column) or "" for column in asked]
                writer.writerow([*names, answer.label, answer.probability, answer.model_version, *shares])
        written.replace(path)
    finally:
        written.unlink(missing_ok=True)
