"""Who is served next: any arrivals, any speed of the workers, any errors."""

from collections import deque
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from transfermodel_predictor.engine.jobs import Job, Row
from transfermodel_predictor.engine.pace import BATCH_SECONDS, Pace
from transfermodel_predictor.engine.schedule import ALIKE, Decode, Infer, Schedule
from transfermodel_predictor.protocol.sources import EncodedSample, Source

pytestmark = pytest.mark.unit
GOOD, UNDECODABLE, FAILING = "good", "undecodable", "failing"
LIMIT_UNITS = 12
"""Of a batch: rows times the longest one's length."""


def pace() -> Pace:
    """Return one that has seen how long work takes: so many units in a batch's time, decoding in no time."""
    pace = Pace(1, 2 * LIMIT_UNITS)
    pace.inferred(BATCH_SECONDS / (LIMIT_UNITS + 0.01), BATCH_SECONDS / (LIMIT_UNITS + 0.01), 1, 1)
    pace.decoded(1e-6, 1e-6)
    assert [pace.gathered(length) for length in (1, 5, 2 * LIMIT_UNITS)] == [LIMIT_UNITS, 2, 1]
    return pace


@dataclass(frozen=True)
class Sample:
    fate: str
    length: int


@dataclass
class Simulation:
    """Workers that do what the schedule says, one step at a time; what they find is checked at every step."""

    workers: int = 1
    schedule: Schedule = field(init=False)
    samples: dict[Job, list[Sample]] = field(default_factory=dict)
    over: list[Job] = field(default_factory=list)
    dropped: set[Job] = field(default_factory=set)
    busy: list[Decode | Infer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.schedule = Schedule(pace(), self.workers)

    def add(self, samples: list[Sample]) -> Job:
        sources: deque[Source] = deque(EncodedSample(f"{position}", b"") for position in range(len(samples)))
        job = Job(sources, lambda _: None)
        self.samples[job] = samples
        self.schedule.add(job)
        return job

    def begin(self) -> bool:
        """Have one more worker take something."""
        assert len(self.busy) < self.workers
        work = self.schedule.take()
        if work is None:
            return False
        if isinstance(work, Infer):
            lengths = [row.length for row in work.rows]
            assert 1 <= len(lengths) <= pace().batch_limit(max(lengths))
            assert max(lengths) <= ALIKE * min(lengths)
            assert not any(row.job.ended for row in work.rows)
        else:
            assert not work.job.ended
            assert work.source == EncodedSample(f"{work.position}", b"")
        self.busy.append(work)
        return True

    def finish(self, which: int) -> None:
        """Have one of the busy workers finish."""
        work = self.busy.pop(which % len(self.busy))
        if isinstance(work, Infer):
            outcomes = [
                ValueError(f"{row.position}") if self.samples[row.job][row.position].fate == FAILING else row.values
                for row in work.rows
            ]
            self.over += self.schedule.inferred(work, outcomes)
            return
        sample = self.samples[work.job][work.position]
        if sample.fate == UNDECODABLE:
            self.over += self.schedule.undecodable(work, KeyError(work.position))
        else:
            values = np.array([id(work.job), work.position], np.float64)
            self.over += self.schedule.decoded(work, Row(work.job, work.position, values, sample.length, 0.0, 0.0))

    def check_answers(self) -> None:
        assert len(self.over) == len(set(self.over)), "a request was answered twice"
        assert set(self.over).isdisjoint(self.dropped)
        assert set(self.over) | self.dropped == set(self.samples), "a request was forgotten"
        for job in self.over:
            fates = [sample.fate for sample in self.samples[job]]
            if all(fate == GOOD for fate in fates):
                assert job.failure is None
                expected = {position: [id(job), position] for position in range(len(fates))}
                assert {position: logits.tolist() for position, logits in job.logits.items()} == expected
            elif FAILING not in fates:
                assert isinstance(job.failure, KeyError)
                assert job.failure.args == (fates.index(UNDECODABLE),), "another than the first one is told"
            else:
                assert job.failure is not None


fates = st.sampled_from([GOOD] * 6 + [UNDECODABLE, FAILING])
requests = st.lists(st.builds(Sample, fates, st.integers(1, 16)), min_size=1, max_size=9)
steps = st.one_of(
    st.tuples(st.just("add"), requests),
    st.tuples(st.just("begin"), st.just(0)),
    st.tuples(st.just("finish"), st.integers(0, 7)),
    st.tuples(st.just("drop"), st.integers(0, 7)),
)


@given(st.lists(steps, max_size=80), st.integers(1, 4), st.integers(0, 7))
def test_every_request_gets_exactly_its_own_answers(
    steps: list[tuple[str, object]], workers: int, pattern: int
) -> None:
    simulation = Simulation(workers)
    for step, value in steps:
        if step == "add":
            assert isinstance(value, list)
            simulation.add(value)
        elif step == "begin" and len(simulation.busy) < workers:
            simulation.begin()
        elif step == "finish" and simulation.busy:
            assert isinstance(value, int)
            simulation.finish(value)
        elif step == "drop" and simulation.samples:
            assert isinstance(value, int)
            job = list(simulation.samples)[value % len(simulation.samples)]
            if job not in simulation.over:
                simulation.schedule.drop(job)
                simulation.dropped.add(job)
        assert simulation.schedule.rows <= LIMIT_UNITS + workers, "more is decoded than the network can take"
    while simulation.busy or simulation.schedule.has_work:
        while len(simulation.busy) < workers and simulation.begin():
            pass
        if simulation.busy:
            simulation.finish(pattern)
    simulation.check_answers()
    assert list(simulation.schedule.waiting()) == []


def test_of_several_failures_the_first_in_the_request_is_told_whichever_is_noticed_first() -> None:
    simulation = Simulation(3)
    job = simulation.add([Sample(GOOD, 1), Sample(UNDECODABLE, 1), Sample(UNDECODABLE, 1), Sample(GOOD, 1)])
    for _ in range(3):
        simulation.begin()
    simulation.finish(2)
    assert not simulation.over, "the ones before it are still being decoded"
    assert not simulation.schedule.has_work or simulation.schedule.take() is None, "nothing more is begun"
    simulation.finish(1)
    assert not simulation.over
    simulation.finish(0)
    assert simulation.over == [job]
    simulation.check_answers()


def test_requests_take_turns() -> None:
    simulation = Simulation()
    large = simulation.add([Sample(GOOD, 1)] * 100)
    for _ in range(10):
        simulation.begin()
        simulation.finish(0)
    single = simulation.add([Sample(GOOD, 1)])
    answered = large.samples - large.left
    while single not in simulation.over:
        assert simulation.begin()
        simulation.finish(0)
    assert large.samples - large.left - answered <= LIMIT_UNITS, "the single image waited behind the large request"


def test_a_sample_never_waits_for_one_that_may_come() -> None:
    simulation = Simulation(2)
    simulation.add([Sample(GOOD, 1)])
    simulation.begin()
    simulation.finish(0)
    work = simulation.schedule.take()
    assert isinstance(work, Infer), "nothing else waits, and the network is idle"


def test_what_waits_becomes_one_batch_as_large_as_a_moment_allows() -> None:
    simulation = Simulation()
    for _ in range(LIMIT_UNITS + 3):
        simulation.add([Sample(GOOD, 1)])
    sizes = []
    while simulation.begin():
        if isinstance(work := simulation.busy[0], Infer):
            sizes.append(len({row.job for row in work.rows}))
        simulation.finish(0)
    assert sizes == [LIMIT_UNITS, 3]


def test_workers_that_are_free_share_what_waits() -> None:
    simulation = Simulation(4)
    for _ in range(8):
        simulation.add([Sample(GOOD, 1)])
    for _ in range(8):
        simulation.begin()
        simulation.finish(0)
    for _ in range(4):
        simulation.begin()
    assert [len(work.rows) for work in simulation.busy if isinstance(work, Infer)] == [2, 2, 2, 2]


def test_long_rows_are_not_padded_for_short_ones() -> None:
    simulation = Simulation()
    for length in (1, 1, 9, 2, 10, 1):
        simulation.add([Sample(GOOD, length)])
    batches = []
    while simulation.begin():
        if isinstance(work := simulation.busy[0], Infer):
            batches.append([row.length for row in work.rows])
        simulation.finish(0)
    assert batches == [[1, 1, 2, 1], [9], [10]]


def test_what_a_request_holds_is_let_go_when_it_is_dropped() -> None:
    simulation = Simulation()
    job = simulation.add([Sample(GOOD, 1)] * 5)
    simulation.schedule.drop(job)
    assert not job.sources
    assert simulation.schedule.take() is None
