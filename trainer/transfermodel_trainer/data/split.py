"""Which samples are learned from and which are held out.

A sample that is held out of the training data is chosen by its content, so that none ever changes sides.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from transfermodel_operator.api import Reason, RunRequest
from transfermodel_operator.api.run import RunCounts
from transfermodel_predictor.inference.pipelines import Pipeline

from transfermodel_trainer.data.decode import Decoded, decode
from transfermodel_trainer.data.fetch import Fetched
from transfermodel_trainer.data.samples import Samples
from transfermodel_trainer.data.sources import Role
from transfermodel_trainer.data.spool import Spool
from transfermodel_trainer.errors import RunError, listed
from transfermodel_trainer.progress import Progress

IMBALANCE = 10
"""How many times the samples of the rarest class the most frequent one may have without a word."""


@dataclass(frozen=True)
class Split:
    """The samples of a run by what they are for."""

    train: Samples
    validation: Samples | None
    test: Samples | None
    warnings: tuple[str, ...]
    skipped: int
    labels: tuple[str, ...]

    def counts(self) -> RunCounts:
        """Return how many there are of each."""
        return RunCounts(
            classes=len(self.labels),
            train=len(self.train),
            validation=len(self.validation) if self.validation else 0,
            test=len(self.test) if self.test else 0,
            skipped=self.skipped,
        )


def split_up(
    request: RunRequest,
    fetched: list[Fetched],
    spool: Spool,
    pipeline: Pipeline,
    folder: Path,
    progress: Progress,
) -> Split:
    """Decode everything and part what is for learning from what is for judging.

    Raises:
        RunError: what images can be wrong in, or DataInvalid when nothing can be held out.
    """
    decoded: dict[Role, Decoded] = {}
    warnings: list[str] = []
    for number, source in enumerate(fetched):
        role = source.source.role
        first = 0.6 + 0.4 * number / len(fetched)
        decoded[role] = decode(
            source,
            spool,
            pipeline,
            folder,
            lambda done, first=first: progress.step(first + 0.4 * done / len(fetched)),  # type: ignore[misc]
        )
        skipped = decoded[role].warning(role)
        if skipped:
            warnings.append(skipped)
        if source.classes.outside:
            warnings.append(
                f"{source.classes.outside} files of spec.data.{role} lie in no class folder and were ignored."
            )
        if repeated := source.classes.repeated:
            warnings.append(f"Rows of spec.data.{role} that name a file for the second time were ignored: {repeated}.")
    train = decoded["train"].images
    validation = decoded["validation"].images if "validation" in decoded else None
    test = decoded["test"].images if "test" in decoded else None
    warnings += _copies(train) + _imbalance(train, fetched[0].classes.labels)
    for role, other in (("validation", validation), ("test", test)):
        if other is not None:
            warnings += _overlap(train, other, role)
    if validation is None and request.training.strategy == "FineTuning":
        chosen = held_out(
            train.digests, train.classes.numpy(), float(request.data.validation_fraction), request.training.seed
        )
        if not chosen.any() and test is None:
            raise RunError(
                Reason.DATA_INVALID,
                "Every class has a single image, so none can be held out to judge the model: add images, or "
                "set spec.data.test.",
            )
        validation = train.select(np.flatnonzero(chosen)) if chosen.any() else None
        train = train.select(np.flatnonzero(~chosen))
    return Split(
        train,
        validation,
        test,
        tuple(warnings),
        sum(len(entry.unreadable) for entry in decoded.values()),
        fetched[0].classes.labels,
    )


def _overlap(train: Samples, other: Samples, role: str) -> list[str]:
    """Return a warning when samples of a holdout were learned from."""
    known = set(train.digests)
    both = [name for name, digest in zip(other.names, other.digests, strict=True) if digest in known]
    if not both:
        return []
    return [
        f"{len(both)} of {len(other)} files of spec.data.{role} are also in spec.data.train ({listed(both, 3)}): "
        "its metrics are too good."
    ]


def _copies(train: Samples) -> list[str]:
    """Return a warning when training samples have one content."""
    first: dict[str, int] = {}
    copies = [index for index, digest in enumerate(train.digests) if first.setdefault(digest, index) != index]
    if not copies:
        return []
    classes = train.classes.tolist()
    torn = [index for index in copies if classes[index] != classes[first[train.digests[index]]]]
    if torn:
        pairs = [f"{train.names[index]} is {train.names[first[train.digests[index]]]}" for index in torn]
        return [
            f"{len(torn)} of {len(train)} files of spec.data.train have the content of a file of another class "
            f"({listed(pairs, 2)}): one of the two labels is wrong."
        ]
    names = [train.names[index] for index in copies]
    return [
        f"{len(copies)} of {len(train)} files of spec.data.train are copies of others ({listed(names, 3)}): they weigh "
        "double, and an estimate without a test set is too good."
    ]


def _imbalance(train: Samples, labels: tuple[str, ...]) -> list[str]:
    """Return a warning when one class has many times the samples of another."""
    counts = np.bincount(train.classes.numpy(), minlength=len(labels))
    most, least = int(counts.argmax()), int(counts.argmin())
    if counts[most] < IMBALANCE * counts[least]:
        return []
    return [
        f"Class {labels[most]} has {counts[most]} images in spec.data.train, {labels[least]} only {counts[least]}: "
        "rare classes will be missed more often; add images to them, and look at the recall of each class."
    ]


def position(digest: str, seed: int) -> float:
    """Return a number in [0, 1), the same for the same content and seed wherever and beside whatever it lies."""
    value = hashlib.sha256(f"{seed}:{digest}".encode()).digest()
    return int.from_bytes(value[:8], "big") / 2**64


def held_out(digests: list[str], classes: NDArray[np.int64], fraction: float, seed: int) -> NDArray[np.bool_]:  # (N,)
    """Return which samples are for validation: those whose position lies below the fraction.

    Every class keeps at least one training sample: the one with the highest position. Where nothing at all would be
    held out, each class with two samples gives the one with the lowest.
    """
    positions = np.array([position(digest, seed) for digest in digests])
    chosen: NDArray[np.bool_] = positions < fraction
    for label in np.unique(classes):
        members = np.flatnonzero(classes == label)
        if chosen[members].all():
            highest = positions[members].max()
            chosen[members[positions[members] == highest]] = False
    if not chosen.any():
        for label in np.unique(classes):
            members = np.flatnonzero(classes == label)
            lowest = positions[members].min()
            same = members[positions[members] == lowest]
            if len(same) < len(members):
                chosen[same] = True
    return chosen
