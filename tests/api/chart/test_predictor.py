"""From the chart's values to what a predictor does: its log and its traces."""

import json
import signal
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from transfermodel_operator.settings import Settings

from tests.support.charts import Manifest, rendered, settings
from tests.support.collectors import Received, collector, resource, spans
from tests.support.colours import picture, write_artifact
from tests.support.predictor_process import MODEL, predictor
from tests.support.waiting import wait_for
from tests.unit.operator.simulator import NAMESPACE, World

SAMPLED, UNSAMPLED = ("4bf92f3577b34da6a3ce929d0e0e4736", "01"), ("0af7651916cd43dd8448eb211c80319c", "00")


def environment(values: Manifest) -> dict[str, str]:
    """Return the variables, credentials aside, that an operator with these values of the chart gives a predictor."""
    values = {"output": {"uri": "s3://models"}} | values
    world = World(settings=Settings.model_validate_json(settings(rendered(values))))
    world.create()
    world.run_to_ready()
    (container,) = world.services["digits"]["spec"]["predictor"]["containers"]
    return {entry["name"]: entry["value"] for entry in container["env"] if "value" in entry}


def served(folder: Path, values: Manifest, asked: int, traces: tuple[tuple[str, str], ...] = ()) -> list[Manifest]:
    """Run a predictor by these values, ask it, end it, and return its log.

    Args:
        folder: for its files.
        values: of the chart.
        asked: how often it is asked without a trace.
        traces: id and flags of the callers' traces with which it is asked before.
    """
    digest = write_artifact(folder / "artifact")
    ours = ("TRANSFERMODEL_MODEL_NAME", "TRANSFERMODEL_ARTIFACT_URI", "TRANSFERMODEL_ARTIFACT_DIGEST")
    variables = {name: value for name, value in environment(values).items() if name not in ours}
    variables["TRANSFERMODEL_LOG_FORMAT"] = "json"  # as in the image
    with predictor((folder / "artifact").as_uri(), digest, folder, variables) as process:
        process.wait_ready()

        def ask(headers: dict[str, str]) -> bool:
            path = f"/v1/models/{MODEL}:predict"
            answer = process.client.post(path, content=picture(), headers={"content-type": "image/png"} | headers)
            assert answer.status_code == 200, answer.text
            return "traceId" in process.log.read_text()

        if "OTEL_EXPORTER_OTLP_ENDPOINT" in variables:
            wait_for(lambda: ask({}), timeout_seconds=30, what="OpenTelemetry is imported")
        for trace, flags in traces:
            ask({"traceparent": f"00-{trace}-00f067aa0ba902b7-{flags}"})
        for _ in range(asked):
            ask({})
        process.process.send_signal(signal.SIGTERM)
        assert process.wait_end() == 0
        return [json.loads(line) for line in process.log.read_text().splitlines()]


def requests(log: list[Manifest]) -> list[Manifest]:
    """Return the lines of the access log."""
    return [line for line in log if line["logger"] == "transfermodel_predictor.access"]


def begun(received: Received) -> list[Span]:
    """Return the spans of requests."""
    return [span for span in spans(received) if span.kind == Span.SPAN_KIND_SERVER]


@pytest.mark.parametrize("wanted", [False, True])
def test_a_line_for_each_request(tmp_path: Path, wanted: bool) -> None:
    log = served(tmp_path, {"predictor": {"accessLog": wanted}}, asked=3)
    assert [line["code"] for line in requests(log)] == (["200"] * 3 if wanted else [])


def test_traces_tell_the_model_and_its_namespace(tmp_path: Path) -> None:
    with collector() as (address, received):
        values = {"predictor": {"accessLog": True, "tracing": {"endpoint": address}}}
        log = served(tmp_path, values, asked=3)
        sent = [span.trace_id.hex() for span in begun(received)]
        assert [line["traceId"] for line in requests(log)[-3:]] == sent[-3:]
        told = resource(received)
        assert (told["service.name"], told["service.namespace"]) == (MODEL, NAMESPACE)


def test_a_share_of_the_requests_and_the_callers_decision(tmp_path: Path) -> None:
    with collector() as (address, received):
        values = {"predictor": {"accessLog": True, "tracing": {"endpoint": address, "samplingRate": 0}}}
        served(tmp_path, values, asked=10, traces=(SAMPLED, UNSAMPLED))
        assert [span.trace_id.hex() for span in begun(received)] == [SAMPLED[0]]
