"""Which samples are learned from and which are held out.

A sample that is held out of the training data is chosen by its content: more data does not make a sample that was
learned from one to be judged by.
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
from transfermodel_trainer.data.nouns import nouns
from transfermodel_trainer.data.review import review
from transfermodel_trainer.data.samples import Samples
from transfermodel_trainer.data.sources import Role
from transfermodel_trainer.data.spool import Spool
from transfermodel_trainer.errors import RunError
from transfermodel_trainer.progress import Progress


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
        RunError: what samples can be wrong in, or DataInvalid when nothing can be held out.
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
    samples = {role: found.images for role, found in decoded.items()}
    warnings += review(request.task, samples, fetched[0].classes.labels)
    train, validation, test = samples["train"], samples.get("validation"), samples.get("test")
    if validation is None and request.training.strategy != "FeatureExtraction":
        chosen = held_out(
            train.digests, train.classes.numpy(), float(request.data.validation_fraction), request.training.seed
        )
        if not chosen.any() and test is None:
            words = nouns(request.task)
            raise RunError(
                Reason.DATA_INVALID,
                f"Every class has a single {words.one}, so none can be held out to judge the model: add {words.many}, "
                "or set spec.data.test.",
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


def position(digest: str, seed: int) -> float:
    """Return a number in [0, 1), the same for the same content and seed wherever and beside whatever it lies."""
    value = hashlib.sha256(f"{seed}:{digest}".encode()).digest()
    return int.from_bytes(value[:8], "big") / 2**64


def held_out(digests: list[str], classes: NDArray[np.int64], fraction: float, seed: int) -> NDArray[np.bool_]:  # (N,)
    """Return which samples are for validation: those whose position lies below the fraction.

    Every class keeps at least one training sample: the one with the highest position. A class of two samples or more
    whose share rounds to one or more, and of which none lies below the fraction, gives the one with the lowest
    position; where nothing at all would be held out, each class with two samples does. So once a class is that large,
    none of it that was learned from is held out later, whatever is added.
    """
    positions = np.array([position(digest, seed) for digest in digests])
    chosen: NDArray[np.bool_] = positions < fraction
    classes_members = [np.flatnonzero(classes == label) for label in np.unique(classes)]
    for members in classes_members:
        if chosen[members].all():
            chosen[members[positions[members] == positions[members].max()]] = False
        elif len(members) * fraction >= 0.5 and not chosen[members].any():
            _give_lowest(members, positions, chosen)
    if not chosen.any():
        for members in classes_members:
            _give_lowest(members, positions, chosen)
    return chosen


def _give_lowest(members: NDArray[np.int64], positions: NDArray[np.float64], chosen: NDArray[np.bool_]) -> None:
    """Hold out the sample of a class with the lowest position, and its copies, unless that is the whole class."""
    lowest = members[positions[members] == positions[members].min()]
    if len(lowest) < len(members):
        chosen[lowest] = True
