"""Asking about many files: in batches, some at once, and one broken file costs only its own answer."""

import queue
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from transfermodel.modalities import Modality
from transfermodel.predictions.client import BATCH, BATCH_BYTES, SamplesRefused
from transfermodel.predictions.inputs import Asked, Failure, FileRefused
from transfermodel.predictions.types import Prediction

Answer = Prediction | Failure
Ask = Callable[[Sequence[bytes]], list[Prediction]]
"""Returns one answer per sample; raises SamplesRefused where one of them is none."""
Batch = list[Asked]

SILENCE_SECONDS = 2.0
PLACE = re.compile(r"^(instances\[0\](\.(image|text|audio))?(\.b64)?|(Image|Text|Recording) 0):? ")
"""Where in the request a sample was is nothing to the user: there was one."""


def answer_all(ask: Ask, asked: Iterable[Asked], modality: Modality, on_answers: Callable[[int], None]) -> list[Answer]:
    """Return an answer or a failure per sample, in order; on_answers: is told how many more there are.

    Raises:
        TransferModelError: What concerns all of them: nobody answers, or another model is there.
    """
    answers: list[Answer] = []
    for batch in batches(asked):
        answers += answer_batch(ask, batch, modality)
        on_answers(len(batch))
    return answers


def answer_all_at_once(
    ask: Ask,
    asked: Iterable[Asked],
    modality: Modality,
    on_answers: Callable[[int], None],
    on_silence: Callable[[], None],
    at_once: int = 4,
) -> list[Answer]:
    """Do the same with several requests under way; on_silence: is called where the first answer takes long.

    The threads are daemons, unlike those of concurrent.futures: Ctrl-C need not wait for a pod that is starting.
    """
    everything = list(batches(asked))
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
                answered.put((number, answer_batch(ask, everything[number], modality)))
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


def batches(asked: Iterable[Asked]) -> Iterator[Batch]:
    """Yield the samples in order, bounded in number and in bytes; files are read when their turn comes."""
    batch: Batch = []
    total = 0
    for one in asked:
        size = one.size()
        if batch and (len(batch) == BATCH or total + size > BATCH_BYTES):
            yield batch
            batch, total = [], 0
        batch.append(one)
        total += size
    if batch:
        yield batch


def answer_batch(ask: Ask, batch: Batch, modality: Modality) -> list[Answer]:
    """Return an answer or a failure per sample; where one of the batch is refused, each is asked about alone."""
    answers: dict[Asked, Answer] = {}
    contents: dict[Asked, bytes] = {}
    for one in batch:
        try:
            contents[one] = one.read(modality)
        except FileRefused as refused:
            answers[one] = Failure(one.name, str(refused))
    try:
        found = ask(list(contents.values())) if contents else []
    except SamplesRefused as refused:
        if len(contents) > 1:
            return [answers.get(one) or answer_batch(ask, [one], modality)[0] for one in batch]
        found = []
        answers |= {one: Failure(one.name, PLACE.sub("", refused.message)) for one in contents}
    for one, answer in zip(contents, found, strict=False):
        answers[one] = replace(answer, text=one.name) if one.is_text else replace(answer, file=one.name)
    return [answers[one] for one in batch]
