"""What is counted is what Prometheus' own parser reads, and counting costs no import."""

import subprocess
import sys
import threading

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as plain_text
from transfermodel_predictor.observation.metrics import Metrics
from transfermodel_predictor.observation.request_record import REQUEST, RequestRecord
from transfermodel_predictor.observation.startup import StartUp, process_seconds

pytestmark = pytest.mark.unit
DIGEST = "sha256:" + "0" * 64


@pytest.fixture
def metrics() -> Metrics:
    return Metrics("digits", "v3", DIGEST)


def samples(metrics: Metrics) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Return name and labels -> value, as Prometheus reads them."""
    content, media_type = metrics.exposition(None)
    assert media_type.startswith("text/plain")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in plain_text(content.decode())
        for sample in family.samples
    }


def value(metrics: Metrics, name: str, **labels: str) -> float:
    return samples(metrics)[name, frozenset(labels.items())]


def test_requests_are_counted_by_protocol_and_status(metrics: Metrics) -> None:
    metrics.answered("v1", "200", 0.004)
    metrics.answered("v1", "200", 0.3)
    metrics.answered("grpc", "OK", 0.004)
    metrics.failed("RequestInvalid")
    assert value(metrics, "transfermodel_requests_total", protocol="v1", code="200") == 2
    assert value(metrics, "transfermodel_requests_total", protocol="grpc", code="OK") == 1
    assert value(metrics, "transfermodel_errors_total", reason="RequestInvalid") == 1
    assert value(metrics, "transfermodel_request_seconds_sum", protocol="v1") == pytest.approx(0.304)


def test_buckets_hold_all_that_is_not_above_them(metrics: Metrics) -> None:
    for seconds in (0.005, 0.0051, 11.0):
        metrics.answered("v2", "200", seconds)
    name = "transfermodel_request_seconds_bucket"
    counts = [value(metrics, name, protocol="v2", le=le) for le in ("0.0025", "0.005", "0.01", "10.0", "+Inf")]
    assert counts == [0, 1, 2, 2, 3]
    assert value(metrics, "transfermodel_request_seconds_count", protocol="v2") == 3


def test_batches_samples_and_the_queue(metrics: Metrics) -> None:
    metrics.batch(1)
    metrics.batch(7)
    metrics.queued(5)
    metrics.queued(2)
    assert value(metrics, "transfermodel_samples_total") == 8
    assert value(metrics, "transfermodel_batch_samples_bucket", le="1.0") == 1
    assert value(metrics, "transfermodel_batch_samples_sum") == 8
    assert value(metrics, "transfermodel_queue_samples") == 2


def test_the_model_and_what_was_not_asked_yet_are_there_from_the_start(metrics: Metrics) -> None:
    info = {"model": "digits", "version": "v3", "digest": DIGEST, "precision": "Float32"}
    assert value(metrics, "transfermodel_model_info", **info) == 1
    assert value(metrics, "transfermodel_samples_total") == 0
    assert value(metrics, "transfermodel_requests_in_progress") == 0
    with metrics.in_progress.track_inprogress():
        assert value(metrics, "transfermodel_requests_in_progress") == 1
    assert value(metrics, "transfermodel_requests_in_progress") == 0


def test_a_phase_is_timed_for_all_and_for_the_requests_concerned(metrics: Metrics) -> None:
    mine, other = RequestRecord("v1"), RequestRecord("v1")
    token = REQUEST.set(mine)
    try:
        with metrics.phase("decode"):
            pass
        with pytest.raises(ValueError, match="broken"), metrics.phase("infer", [mine, other]):
            raise ValueError("broken")
        metrics.phase_took("queue", 0.5)
    finally:
        REQUEST.reset(token)
    assert [span.name for span in mine.phases] == ["decode", "infer", "queue"]
    assert [span.name for span in other.phases] == ["infer"]
    assert mine.seconds()["queue"] == 0.5
    assert mine.begun - 1e9 < mine.phases[-1].begun < mine.begun
    for phase in ("decode", "infer", "queue"):
        assert value(metrics, "transfermodel_phase_seconds_count", phase=phase) == 1


def test_threads_lose_nothing(metrics: Metrics) -> None:
    def count() -> None:
        for _ in range(5000):
            metrics.answered("v1", "200", 0.01)
            metrics.batch(1)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=count) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert value(metrics, "transfermodel_requests_total", protocol="v1", code="200") == 20000
    assert value(metrics, "transfermodel_request_seconds_count", protocol="v1") == 20000
    assert value(metrics, "transfermodel_samples_total") == 20000


def test_open_metrics_is_spoken_where_it_is_asked_for(metrics: Metrics) -> None:
    metrics.answered("v1", "200", 0.01)
    content, media_type = metrics.exposition("application/openmetrics-text; version=1.0.0")
    assert media_type.startswith("application/openmetrics-text")
    families = {family.name: family.type for family in open_metrics(content.decode())}  # type: ignore[no-untyped-call]
    assert families["transfermodel_requests"] == "counter"
    assert families["transfermodel_request_seconds"] == "histogram"


def test_recording_imports_no_library() -> None:
    program = (
        "import sys; from transfermodel_predictor.observation.metrics import Metrics;"
        "m = Metrics('m', 'v1', 'd'); m.answered('v1', '200', 0.1); m.batch(1);"
        "print('prometheus_client' in sys.modules, 'opentelemetry' in sys.modules);"
        "print(b'transfermodel_samples_total 1.0' in m.exposition(None)[0])"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["False", "False", "True"]


def test_the_parts_of_a_start_add_up() -> None:
    startup = StartUp()
    with startup.phase("open"):
        pass
    first = startup.seconds["open"]
    with startup.phase("open"):
        pass
    assert startup.seconds["open"] > first
    ready = startup.ready()
    assert 0 < ready <= process_seconds()
    assert startup.ready() == ready, "only the first time counts"
