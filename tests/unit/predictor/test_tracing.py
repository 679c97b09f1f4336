"""Traces of the real process, as a collector on loopback receives them."""

import base64
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.support.collectors import attributes, collector, resource, spans
from tests.support.colours import picture, write_artifact
from tests.support.predictor_process import MODEL, predictor
from tests.support.waiting import wait_for

pytestmark = pytest.mark.unit
PREDICT = f"/v1/models/{MODEL}:predict"
REQUEST = {"instances": [{"image": {"b64": base64.b64encode(picture()).decode()}}] * 3}
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def test_a_request_continues_the_callers_trace_and_its_phases_are_within(tmp_path: Path) -> None:
    digest = write_artifact(tmp_path / "artifact")
    with collector() as (address, received):
        environment = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": address,
            "OTEL_RESOURCE_ATTRIBUTES": "k8s.pod.name=pod-1",
            "TRANSFERMODEL_LOG_FORMAT": "json",
            "TRANSFERMODEL_ACCESS_LOG": "true",
        }
        with predictor((tmp_path / "artifact").as_uri(), digest, tmp_path, environment) as process:
            process.wait_ready()
            headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "x-request-id": "mine"}

            def traced() -> bool:
                process.client.post(PREDICT, json=REQUEST, headers=headers)
                lines = [json.loads(line) for line in process.log.read_text().splitlines()]
                return any(line.get("traceId") == TRACE for line in lines)

            # The first requests may come while OpenTelemetry is still being imported.
            wait_for(traced, timeout_seconds=30, what="a traced request")
            process.client.post(PREDICT, json={"instances": 1}, headers={"traceparent": "none"})
            process.process.send_signal(signal.SIGTERM)
            assert process.wait_end() == 0
    requests = [span for span in spans(received) if span.kind == Span.SPAN_KIND_SERVER]
    good, bad = requests[0], requests[-1]
    assert (good.trace_id.hex(), good.parent_span_id.hex(), good.name) == (TRACE, PARENT, f"POST {PREDICT}")
    told = attributes(good.attributes)
    assert (told["http.response.status_code"], told["transfermodel.samples"]) == (200, 3)
    assert (told["http.request.method"], told["url.path"]) == ("POST", PREDICT)
    assert told["transfermodel.request.id"] == "mine"
    within = [span for span in spans(received) if span.parent_span_id == good.span_id]
    assert {span.name for span in within} >= {"decode", "infer"}
    for span in within:
        assert span.trace_id == good.trace_id
        assert span.start_time_unix_nano <= span.end_time_unix_nano
    assert (attributes(bad.attributes)["error.type"], bad.parent_span_id) == ("RequestInvalid", b"")
    assert bad.trace_id != good.trace_id
    told_of_itself = resource(received)
    named = ("service.name", "service.version", "k8s.pod.name")
    assert tuple(told_of_itself[name] for name in named) == (MODEL, "v2", "pod-1")
    assert b"b64" not in b"".join(sent.SerializeToString() for sent in received)


def test_a_collector_that_is_away_disturbs_nobody(tmp_path: Path) -> None:
    digest = write_artifact(tmp_path / "artifact")
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_BSP_SCHEDULE_DELAY": "50"}
    with predictor((tmp_path / "artifact").as_uri(), digest, tmp_path, environment) as process:
        process.wait_ready()

        def refused() -> bool:
            assert process.client.post(PREDICT, json=REQUEST).status_code == 200
            return "refused" in process.log.read_text()

        wait_for(refused, timeout_seconds=30, what="the exporter says so")
        process.process.send_signal(signal.SIGTERM)
        assert process.wait_end() == 0


@pytest.mark.parametrize("missing", [False, True])
def test_what_cannot_be_sent_is_said(tmp_path: Path, missing: bool) -> None:
    digest = write_artifact(tmp_path / "artifact")
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    if missing:
        # Where it is not installed, a folder without content stands for it, which has no sdk.
        (tmp_path / "path" / "opentelemetry").mkdir(parents=True)
        (tmp_path / "path" / "opentelemetry" / "__init__.py").touch()
        environment["PYTHONPATH"] = str(tmp_path / "path")
        said = 'OTEL_EXPORTER_OTLP_ENDPOINT is set, but OpenTelemetry is not installed: pip install "transfermodel[trac'
    else:
        environment["OTEL_EXPORTER_OTLP_PROTOCOL"] = "grpc"
        said = "OTEL_EXPORTER_OTLP_PROTOCOL is 'grpc'; traces are sent as http/protobuf. Leave it out"
    with predictor((tmp_path / "artifact").as_uri(), digest, tmp_path, environment) as process:
        assert process.wait_end() == 1
        assert said in process.termination.read_text()


def test_without_a_collector_nothing_of_it_is_imported(tmp_path: Path) -> None:
    program = (
        "import asyncio, sys; from transfermodel_predictor.observation.tracing import start_tracing;"
        "print(asyncio.run(start_tracing({}, 'm', 'v1')),"
        "asyncio.run(start_tracing({'OTEL_SDK_DISABLED': 'true', 'OTEL_EXPORTER_OTLP_ENDPOINT': 'x'}, 'm', 'v1')),"
        "'opentelemetry' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["None", "None", "False"]
