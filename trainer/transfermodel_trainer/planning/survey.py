"""`python -m transfermodel_trainer.planning.survey`: look at a run's data before anything is spent, without torch.

Reads the RunRequest from the environment as the trainer does, and prints one JSON document, a Survey. The data is
read by the trainer's own code: what it says of classes, of held-out samples and of what is wrong is what a run would.
Files of this machine are looked into; of a bucket only the listing is read, so that nothing is downloaded.
"""

import os
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from transfermodel_operator.api import RunRequest
from transfermodel_predictor.inference.errors import UnreadableSample

from transfermodel_trainer import inputs, machine
from transfermodel_trainer.backbones import stored
from transfermodel_trainer.data.classes import Classes, check_same_classes
from transfermodel_trainer.data.fetch import fetch
from transfermodel_trainer.data.sources import Source
from transfermodel_trainer.data.spool import Spool
from transfermodel_trainer.errors import RunError
from transfermodel_trainer.main import read_request
from transfermodel_trainer.planning.looking import Look, looker
from transfermodel_trainer.planning.surveyed import Duplicates, Labelled, Problem, Survey, Surveyed, Unreadable

MOST_BYTES = 1 << 30
"""Of a source that is read whole; of a larger one only the names are counted."""
MOST_DECODED = 2_000
"""Samples of a source that are decoded: evenly chosen of more."""
TINY_PIXELS = 16
"""Sides shorter than this hold next to nothing that a network could see."""
EXAMPLES = 5


class Sample:
    """One sample as far as it is known: its name, its class, and what tells contents apart."""

    __slots__ = ("content", "label", "name")

    def __init__(self, name: str, label: str, content: str | None) -> None:
        """Take what is known; content None: nothing tells it apart."""
        self.name, self.label, self.content = name, label, content


def survey(request: RunRequest, environment: Mapping[str, str], folder: Path) -> Survey:
    """Return what the data of a run holds.

    Args:
        request: the run.
        environment: holds the credentials.
        folder: for temporary files.
    """
    try:
        found = inputs.resolve(request, environment)
    except RunError as error:
        return Survey(problems=[_problem(error)])
    sources: list[Surveyed] = []
    samples: dict[str, list[Sample]] = {}
    classes: dict[str, Classes] = {}
    problems: list[Problem] = []
    spool = Spool(folder)
    by_content = True
    times: list[float] = []
    of_source: Classes | None
    for source in found.sources:
        try:
            if source.uri.startswith("file://") and sum(entry.size for entry in source.objects) <= MOST_BYTES:
                surveyed, known, of_source, seconds = _look_into(source, spool, folder, looker(request))
                times.append(seconds)
            else:
                surveyed, known, of_source = _look_at_names(source)
        except RunError as error:
            problems.append(_problem(error))
            continue
        by_content = by_content and surveyed.looked_into
        sources.append(surveyed)
        samples[source.role] = known
        if of_source is not None:
            classes[source.role] = of_source
    problems += _differences(found.sources, classes)
    return Survey(
        sources=sources,
        duplicates=_duplicates(samples),
        duplicates_by="content" if by_content else "listing",
        problems=problems,
        inputs_digest=found.digest,
        weights_bytes=_weights_bytes(request, environment),
        data_seconds=sum(times) if by_content else None,
    )


def _look_at_names(source: Source) -> tuple[Surveyed, list[Sample], Classes | None]:
    size = sum(entry.size for entry in source.objects)
    if source.archive:
        return Surveyed(role=source.role, uri=source.uri, bytes=size), [], None
    classes = source.classes()
    listed = {entry.path: f"{entry.etag}:{entry.size}" for entry in source.objects if entry.etag}
    known = [Sample(name, classes.labels[label], listed.get(name)) for name, label in classes.members]
    return _surveyed(source, size, classes), known, classes


def _look_into(source: Source, spool: Spool, folder: Path, look: Look) -> tuple[Surveyed, list[Sample], Classes, float]:
    """Read a source of this machine whole, as a run would; return what a run would take for it, too."""
    started = time.monotonic()
    fetched = fetch(source, spool, folder, lambda _: None)
    fetching = time.monotonic() - started
    classes = fetched.classes
    chosen = fetched.samples[:: max(1, -(-len(fetched.samples) // MOST_DECODED))]

    def side(position: int) -> int | str | None:
        """Return an image's shorter side in pixels, or why the sample cannot be read."""
        try:
            return look(spool.read(position))
        except UnreadableSample as error:
            return str(error)

    started = time.monotonic()
    with ThreadPoolExecutor(machine.threads()) as pool:
        sides = list(pool.map(side, [sample.position for sample in chosen]))
    decoding = (time.monotonic() - started) * len(fetched.samples) / len(chosen)
    unreadable = [
        Unreadable(name=sample.name, problem=found)
        for sample, found in zip(chosen, sides, strict=True)
        if isinstance(found, str)
    ]
    readable = sorted(found for found in sides if isinstance(found, int))
    tiny = [
        sample.name
        for sample, found in zip(chosen, sides, strict=True)
        if isinstance(found, int) and found < TINY_PIXELS
    ]
    known = [
        Sample(sample.name, classes.labels[sample.label], spool.digest(sample.position)) for sample in fetched.samples
    ]
    size = sum(entry.size for entry in source.objects)
    surveyed = _surveyed(source, size, classes).model_copy(
        update={
            "decoded": len(chosen),
            "unreadable": unreadable[:EXAMPLES],
            "unreadable_count": len(unreadable),
            "tiny": tiny[:EXAMPLES],
            "tiny_count": len(tiny),
            "median_side": readable[len(readable) // 2] if readable else None,
            "looked_into": True,
        }
    )
    return surveyed, known, classes, fetching + decoding


def _surveyed(source: Source, size: int, classes: Classes) -> Surveyed:
    counts = Counter(label for _, label in classes.members)
    return Surveyed(
        role=source.role,
        uri=source.uri,
        bytes=size,
        samples=len(classes.members),
        classes=[Labelled(label=label, count=counts[index]) for index, label in enumerate(classes.labels)],
        outside=classes.outside,
    )


def _differences(sources: Iterable[Source], classes: Mapping[str, Classes]) -> list[Problem]:
    """Return what is wrong with the classes of validation and test beside those of train."""
    problems = []
    for source in sources:
        if source.role != "train" and "train" in classes and source.role in classes:
            try:
                check_same_classes(classes["train"], classes[source.role], source.role, source.uri, source.task)
            except RunError as error:
                problems.append(_problem(error))
    return problems


def _duplicates(samples: Mapping[str, Sequence[Sample]]) -> list[Duplicates]:
    """Return the samples that are there more than once: within train, and between any two splits."""
    found = []
    first: dict[str, dict[str, list[Sample]]] = {}
    for role, members in samples.items():
        by_content: dict[str, list[Sample]] = defaultdict(list)
        for sample in members:
            if sample.content is not None:
                by_content[sample.content].append(sample)
        first[role] = by_content
    roles = list(samples)
    for role in roles:
        groups = [group for group in first[role].values() if len(group) > 1]
        if groups:
            found.append(
                Duplicates(
                    splits=(role, role),
                    count=sum(len(group) - 1 for group in groups),
                    examples=[[sample.name for sample in group[:3]] for group in groups[:EXAMPLES]],
                    mislabelled=sum(1 for group in groups if len({sample.label for sample in group}) > 1),
                )
            )
    for index, role in enumerate(roles):
        for other in roles[index + 1 :]:
            both = [
                (first[role][content][0], sample)
                for content, group in first[other].items()
                if content in first[role]
                for sample in group
            ]
            if both:
                found.append(
                    Duplicates(
                        splits=(role, other),
                        count=len(both),
                        examples=[[one.name, two.name] for one, two in both[:EXAMPLES]],
                        mislabelled=sum(1 for one, two in both if one.label != two.label),
                    )
                )
    return found


def _weights_bytes(request: RunRequest, environment: Mapping[str, str]) -> int | None:
    weights = request.backbone.weights
    if weights is None or weights.uri is None:
        return None
    return stored.size(weights.uri, environment)


def _problem(error: RunError) -> Problem:
    return Problem(reason=error.reason, message=error.message)


def main() -> None:
    """Print the survey of the run that the environment asks for."""
    try:
        with tempfile.TemporaryDirectory(prefix="transfermodel-survey-") as folder:
            found = survey(read_request(), os.environ, Path(folder))
    except RunError as error:
        found = Survey(problems=[_problem(error)])
    sys.stdout.write(found.model_dump_json(by_alias=True) + "\n")


if __name__ == "__main__":
    main()
