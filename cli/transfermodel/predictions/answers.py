"""Asking about many files: in batches, some at once, and one broken file costs only its own answer."""

import queue
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from transfermodel.predictions.client import BATCH, BATCH_BYTES, ImagesRefused
from transfermodel.predictions.inputs import Failure, FileRefused, read
from transfermodel.predictions.types import Prediction

Answer = Prediction | Failure
Ask = Callable[[Sequence[bytes]], list[Prediction]]
"""Returns one answer per image; raises ImagesRefused where one of them is none."""
Batch = list[Path]

SILENCE_SECONDS = 2.0
PLACE = re.compile(r"^(instances\[0\](\.image)?(\.b64)?|Image 0):? ")
"""Where in the request an image was is nothing to the user: there was one."""


def answer_files(ask: Ask, files: Iterable[Path], on_answers: Callable[[int], None]) -> list[Answer]:
    """Return an answer or a failure per file, in order; on_answers: is told how many more there are.

    Raises:
        TransferModelError: What concerns all files: nobody answers, or another model is there.
    """
    answers: list[Answer] = []
    for batch in batches(files):
        answers += answer_batch(ask, batch)
        on_answers(len(batch))
    return answers


def answer_files_at_once(
    ask: Ask, files: Iterable[Path], on_answers: Callable[[int], None], on_silence: Callable[[], None], at_once: int = 4
) -> list[Answer]:
    """Do the same with several requests under way; on_silence: is called where the first answer takes long.

    The threads are daemons, unlike those of concurrent.futures: Ctrl-C need not wait for a pod that is starting.
    """
    everything = list(batches(files))
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in range(len(everything)):
        waiting.put(number)
    answered: queue.SimpleQueue[tuple[int, list[Answer] | Exception]] = queue.SimpleQueue()
    over = threading.Event()

    def work() -> None:
        while not over.is_set():
            try:
                number = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                answered.put((number, answer_batch(ask, everything[number])))
            except Exception as error:  # raised again below, in the caller's thread
                answered.put((number, error))

    for _ in range(min(at_once, len(everything))):
        threading.Thread(target=work, name="asking", daemon=True).start()
    found: dict[int, list[Answer]] = {}
    try:
        while len(found) < len(everything):
            number, answers = _first(answered, on_silence) if not found else answered.get()
            if isinstance(answers, Exception):
                raise answers
            found[number] = answers
            on_answers(len(answers))
    finally:
        over.set()
    return [answer for number in sorted(found) for answer in found[number]]


def _first(
    answered: queue.SimpleQueue[tuple[int, list[Answer] | Exception]], on_silence: Callable[[], None]
) -> tuple[int, list[Answer] | Exception]:
    try:
        return answered.get(timeout=SILENCE_SECONDS)
    except queue.Empty:
        on_silence()
        return answered.get()


def batches(files: Iterable[Path]) -> Iterator[Batch]:
    """Yield the files in order, bounded in number and in bytes; they are read when their turn comes."""
    batch: Batch = []
    total = 0
    for path in files:
        size = _size(path)
        if batch and (len(batch) == BATCH or total + size > BATCH_BYTES):
            yield batch
            batch, total = [], 0
        batch.append(path)
        total += size
    if batch:
        yield batch


def answer_batch(ask: Ask, batch: Batch) -> list[Answer]:
    """Return an answer or a failure per file; where an image of the batch is refused, each is asked about alone."""
    answers: dict[Path, Answer] = {}
    images: dict[Path, bytes] = {}
    for path in batch:
        try:
            images[path] = read(path)
        except FileRefused as refused:
            answers[path] = Failure(str(path), str(refused))
    try:
        found = ask(list(images.values())) if images else []
    except ImagesRefused as refused:
        if len(images) > 1:
            return [answers.get(path) or answer_batch(ask, [path])[0] for path in batch]
        found = []
        answers |= {path: Failure(str(path), PLACE.sub("", refused.message)) for path in images}
    answers |= {path: replace(answer, file=str(path)) for path, answer in zip(images, found, strict=False)}
    return [answers[path] for path in batch]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
