"""Downloading a data source into the spool."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from transfermodel_operator.api import Reason

from transfermodel_trainer.data.archives import Limits, members
from transfermodel_trainer.data.classes import Classes, find_classes, hidden, unwrap
from transfermodel_trainer.data.sources import Source, data_errors
from transfermodel_trainer.data.spool import Spool
from transfermodel_trainer.errors import RunError, StorageFailure

CONCURRENT_DOWNLOADS = 32
STEP_TEXTS = 1000
"""Progress is reported once for so many texts."""

Step = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Sample:
    """One encoded file in the spool."""

    name: str
    label: int
    position: int


@dataclass(frozen=True)
class Fetched:
    """One data source, downloaded."""

    source: Source
    classes: Classes
    samples: tuple[Sample, ...]


def fetch(source: Source, spool: Spool, folder: Path, step: Step, limits: Limits | None = None) -> Fetched:
    """Download the source into the spool.

    Raises:
        RunError: what data and archives can be wrong in; StorageUnavailable when an object changed meanwhile.
    """
    positions: dict[str, int] = {}
    try:
        if source.archive:
            classes = _fetch_archive(source, spool, folder, positions, step, limits)
        else:
            classes = source.classes()
            with data_errors(f"spec.data.{source.role}.uri"):
                if source.index is not None and source.index.texts:
                    _fetch_texts(source, spool, positions, step)
                else:
                    _fetch_objects(source, [name for name, _ in classes.members], spool, positions, step)
    except RunError:
        _check_unchanged(source)  # half of an upload is not what is wrong with the data
        raise
    _check_unchanged(source)
    samples = tuple(Sample(name, label, positions[name]) for name, label in classes.members)
    return Fetched(source, classes, samples)


def _check_unchanged(source: Source) -> None:
    with data_errors(f"spec.data.{source.role}.uri"):
        if not source.unchanged():
            raise StorageFailure(
                Reason.STORAGE_UNAVAILABLE,
                f"spec.data.{source.role}.uri {source.uri} was changed while it was being read: the run starts "
                "again by itself.",
            )


def _fetch_texts(source: Source, spool: Spool, positions: dict[str, int], step: Step) -> None:
    """Take the texts out of an index file."""
    count = len(source.classes().members)
    for name, text in source.texts():
        positions[name] = spool.add(text)
        if len(positions) % STEP_TEXTS == 0:
            step(len(positions) / count)
    step(1.0)


def _fetch_objects(source: Source, names: list[str], spool: Spool, positions: dict[str, int], step: Step) -> None:
    """Get many objects at a time: each alone would wait for its round trip."""
    stop = threading.Event()

    def work(name: str) -> tuple[str, int] | None:
        return None if stop.is_set() else (name, spool.add(source.storage.get(name)))

    with ThreadPoolExecutor(min(CONCURRENT_DOWNLOADS, len(names)), thread_name_prefix="download") as pool:
        try:
            for found in pool.map(work, names):
                if found is not None:
                    positions[found[0]] = found[1]
                    step(len(positions) / len(names))
        except BaseException:
            stop.set()  # the rest of the queue is not worth an error each
            raise


def _fetch_archive(
    source: Source, spool: Spool, folder: Path, positions: dict[str, int], step: Step, limits: Limits | None
) -> Classes:
    path = folder / f"{source.role}-archive"
    with data_errors(f"spec.data.{source.role}.uri"):
        source.storage.download(source.objects[0].path, path)
    step(0.8)
    names: list[str] = []
    found: dict[str, int] = {}
    for member in members(path, source.uri, limits):
        if member.name and not hidden(member.name):
            names.append(member.name)
            if not member.name.endswith("/"):
                found[member.name] = spool.add(member.content)
    path.unlink()
    wrapper = unwrap(names)
    positions.update({name.removeprefix(wrapper): position for name, position in found.items()})
    step(1.0)
    inner = (name.removeprefix(wrapper) for name in names if name != wrapper)
    return find_classes(inner, source.uri, role=source.role, task=source.task)
