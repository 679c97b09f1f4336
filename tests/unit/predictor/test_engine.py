"""Many requests at once, through real threads and a real graph of ONNX Runtime."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transfermodel_predictor.configuration import QueueLimits
from transfermodel_predictor.engine.engine import QUICKLY_READ_BYTES, Engine
from transfermodel_predictor.inference.classifier import Classifier
from transfermodel_predictor.inference.head import Prediction
from transfermodel_predictor.inference.pipelines import pipeline_of
from transfermodel_predictor.inference.session import open_session
from transfermodel_predictor.observation.instruments import Histogram
from transfermodel_predictor.observation.metrics import Metrics
from transfermodel_predictor.observation.request_record import REQUEST, RequestRecord
from transfermodel_predictor.protocol.errors import NotReady, Overloaded, RequestInvalid
from transfermodel_predictor.protocol.sources import EncodedSample, Source

from tests.support.colours import describe, picture
from tests.support.failing_colours import WHITE, fails_on_white

pytestmark = pytest.mark.unit
FILES = {
    "red": picture((230, 20, 20)),
    "green": picture((20, 230, 20)),
    "blue": picture((20, 20, 230)),
    "white": picture(WHITE),
    "broken": b"no image",
}
LIMITS = QueueLimits()
LARGE = picture((20, 230, 20), (1500, 1500))
"""Takes some 10 ms to decode."""


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    description = describe()
    session = open_session(fails_on_white(), 1, description.signature.inputs)
    return Classifier(description, session, pipeline_of(description.preprocessing, {}))


@asynccontextmanager
async def engine_of(
    classifier: Classifier, threads: int = 2, limits: QueueLimits = LIMITS, largest_batch: int = 16
) -> AsyncIterator[tuple[Engine, Metrics]]:
    metrics = Metrics("colours", "v1", "sha256:0")
    engine = Engine(metrics, limits, largest_batch)
    engine.start(classifier, threads)
    try:
        yield engine, metrics
    finally:
        await engine.close()


def sources(names: Sequence[str]) -> list[Source]:
    return [EncodedSample(f"instances[{index}]", FILES[name]) for index, name in enumerate(names)]


def count_of(metrics: Metrics, name: str) -> float:
    """Return a counter or gauge without labels."""
    (instrument,) = (found for found in metrics.instruments() if found.name == name)
    value = instrument.read()[()]
    assert isinstance(value, float)
    return value


def calls_of_the_network(metrics: Metrics) -> int:
    (instrument,) = (found for found in metrics.instruments() if found.name == "transfermodel_batch_samples")
    assert isinstance(instrument, Histogram)
    return sum(instrument.read()[()].counts)


async def inferred(metrics: Metrics, samples: int) -> None:
    """Wait until the network has seen so many samples."""
    async with asyncio.timeout(30):
        while count_of(metrics, "transfermodel_samples_total") < samples:  # noqa: ASYNC110 - told by no event
            await asyncio.sleep(0.001)


def check(names: list[str], outcome: list[Prediction] | BaseException) -> None:
    """See that a request got its own answers, or the error of its own sample."""
    broken = names.index("broken") if "broken" in names else None
    if isinstance(outcome, RequestInvalid):
        assert broken is not None
        assert f"{outcome}".startswith(f"instances[{broken}]: The bytes are not an image")
    elif isinstance(outcome, BaseException):
        assert "white" in names, outcome
        assert "Gather" in f"{outcome}"
    else:
        assert [answer.label for answer in outcome] == names


requests = st.lists(
    st.lists(st.sampled_from(["red", "green", "blue"] * 4 + ["white", "broken"]), min_size=1, max_size=20),
    min_size=1,
    max_size=12,
)


@settings(max_examples=40, deadline=None)
@given(requests, st.integers(1, 3), st.sampled_from([1, 4, 16]), st.data())
def test_every_request_gets_its_own_answers_in_order(
    classifier: Classifier, requests: list[list[str]], threads: int, largest_batch: int, data: st.DataObject
) -> None:
    gone = data.draw(st.sets(st.integers(0, len(requests) - 1), max_size=3))

    async def run() -> list[list[Prediction] | BaseException]:
        async with engine_of(classifier, threads, largest_batch=largest_batch) as (engine, metrics):
            tasks = []
            for number, names in enumerate(requests):
                tasks.append(asyncio.create_task(engine.predict(sources(names))))
                if number % 3 == 0:
                    await asyncio.sleep(0)
            await asyncio.sleep(0)
            for number in gone:
                tasks[number].cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
            assert count_of(metrics, "transfermodel_requests_in_progress") == 0
            return outcomes

    for number, (names, outcome) in enumerate(zip(requests, asyncio.run(run()), strict=True)):
        if number in gone and isinstance(outcome, asyncio.CancelledError):
            continue
        check(names, outcome)


async def test_a_batch_that_fails_fails_only_for_the_sample_that_it_fails_on(classifier: Classifier) -> None:
    async with engine_of(classifier, 1) as (engine, metrics):
        await engine.predict(sources(["red"] * 40))  # now it knows that many fit into a batch
        calls = calls_of_the_network(metrics)
        names = [["red"], ["white"], ["blue"], ["green", "white"]] * 10
        outcomes = await asyncio.gather(
            *(engine.predict(sources(request)) for request in names), return_exceptions=True
        )
    assert calls_of_the_network(metrics) - calls < 40, "there were no batches"
    for request, outcome in zip(names, outcomes, strict=True):
        check(request, outcome)
        assert isinstance(outcome, Exception) == ("white" in request)


async def test_a_single_image_does_not_wait_behind_a_large_request(classifier: Classifier) -> None:
    async with engine_of(classifier, 2) as (engine, metrics):
        large = asyncio.create_task(engine.predict([EncodedSample("", LARGE)] * 100))
        await inferred(metrics, 5)
        (answer,) = await engine.predict(sources(["red"]))
        assert answer.label == "red"
        assert count_of(metrics, "transfermodel_samples_total") < 60
        assert not large.done()
        assert {answer.label for answer in await large} == {"green"}


async def test_a_full_queue_refuses_and_goes_on(classifier: Classifier) -> None:
    async with engine_of(classifier, 2, QueueLimits(samples=30)) as (engine, _):
        large = asyncio.create_task(engine.predict([EncodedSample("", LARGE)] * 50))  # more than the limit, but alone
        await asyncio.sleep(0)
        outcomes = await asyncio.gather(*(engine.predict(sources(["red"])) for _ in range(20)), return_exceptions=True)
        assert any(isinstance(outcome, Overloaded) for outcome in outcomes)
        for outcome in outcomes:
            if not isinstance(outcome, Overloaded):
                check(["red"], outcome)
        await large
        check(["red"], await engine.predict(sources(["red"])))


async def test_who_would_wait_too_long_is_refused_by_the_time_that_was_measured(classifier: Classifier) -> None:
    async with engine_of(classifier, 1, QueueLimits(seconds=1)) as (engine, _):
        await engine.predict([EncodedSample("", LARGE)] * 10)
        accepted = [asyncio.create_task(engine.predict([EncodedSample("", LARGE)] * 500))]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded, match="seconds until this request's turn, at most 1 are waited") as caught:
            await engine.predict([EncodedSample("", LARGE)] * 500)
        assert int(caught.value.headers["Retry-After"]) >= 1
        check(["red"], await engine.predict(sources(["red"])))
        accepted[0].cancel()


async def test_what_nobody_waits_for_is_left_undone(classifier: Classifier) -> None:
    async with engine_of(classifier, 2) as (engine, metrics):
        request = asyncio.create_task(engine.predict([EncodedSample("", LARGE)] * 250))
        await inferred(metrics, 1)
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        check(["red"], await engine.predict(sources(["red"])))
    assert count_of(metrics, "transfermodel_samples_total") < 100


async def test_closing_answers_what_was_accepted(classifier: Classifier) -> None:
    async with engine_of(classifier, 2) as (engine, _):
        names = [["red", "blue"] * 20, ["green"], ["broken"]] * 5
        tasks = [asyncio.create_task(engine.predict(sources(request))) for request in names]
        await asyncio.sleep(0)
        closing = asyncio.create_task(engine.close())
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        await closing
        for request, outcome in zip(names, outcomes, strict=True):
            check(request, outcome)
        with pytest.raises(NotReady, match="is ending"):
            await engine.predict(sources(["red"]))


async def test_without_a_classifier_it_is_not_ready() -> None:
    engine = Engine(Metrics("colours", "v1", "sha256:0"), QueueLimits())
    with pytest.raises(NotReady, match="still loading"):
        await engine.predict(sources(["red"]))
    await engine.close()


async def test_phases_reach_the_request_that_they_are_of(classifier: Classifier) -> None:
    async with engine_of(classifier, 2) as (engine, _):

        async def ask(names: list[str]) -> RequestRecord:
            record = RequestRecord("v1")
            token = REQUEST.set(record)
            await engine.predict(sources(names))
            REQUEST.reset(token)
            return record

        records = await asyncio.gather(*(ask(["red"] * count) for count in (1, 3, 7)))
    for record, count in zip(records, (1, 3, 7), strict=True):
        names = [phase.name for phase in record.phases]
        assert [names.count(name) for name in ("decode", "preprocess", "queue")] == [count] * 3
        assert 1 <= names.count("infer") <= count
        assert all(phase.seconds >= 0 for phase in record.phases)
        ends = [phase.begun + int(phase.seconds * 1e9) for phase in record.phases]
        assert all(earlier <= later + 1_000_000 for earlier, later in pairwise(ends)), "not in the order of their ends"


async def test_large_bodies_are_read_in_another_thread(classifier: Classifier) -> None:
    import threading

    async with engine_of(classifier) as (engine, _):

        def reader(_: bytes) -> str:
            return threading.current_thread().name

        here = threading.current_thread().name
        assert await engine.run(reader, bytes(QUICKLY_READ_BYTES)) == here
        assert (await engine.run(reader, bytes(QUICKLY_READ_BYTES + 1))).startswith("reading")
        # Who hands over no bytes may work as long as it likes.
        assert (await engine.run(lambda: threading.current_thread().name)).startswith("reading")
