"""What the real process writes: one JSON object a line, what happened and how long it took, and nothing of a sample."""

import base64
import json
import logging
import sys
from pathlib import Path
from typing import Any

import pytest
from transfermodel_predictor.observation.logs import JsonFormatter, fields

from tests.support.colours import picture, write_artifact
from tests.support.predictor_process import MODEL, predictor
from tests.support.predictor_texts import write_text_artifact
from tests.support.waiting import wait_for

pytestmark = pytest.mark.unit
JSON = {"TRANSFERMODEL_LOG_FORMAT": "json", "TRANSFERMODEL_ACCESS_LOG": "true"}
PREDICT = f"/v1/models/{MODEL}:predict"


def events(log: Path) -> list[dict[str, Any]]:
    """Return the log's lines; each must be JSON."""
    return [json.loads(line) for line in log.read_text().splitlines()]


def access(log: Path) -> list[dict[str, Any]]:
    return [event for event in events(log) if event["logger"] == "transfermodel_predictor.access"]


def test_each_request_is_a_line_with_its_times_and_without_its_content(tmp_path: Path) -> None:
    digest = write_text_artifact(tmp_path / "artifact")
    secret = "lovely but confidential"
    with predictor((tmp_path / "artifact").as_uri(), digest, tmp_path, JSON) as process:
        process.wait_ready()
        body = json.dumps({"instances": [{"text": secret}, {"text": "awful"}]})
        answer = process.client.post(PREDICT, content=body, headers={"x-request-id": "from-the-client"})
        assert answer.status_code == 200
        process.client.post(PREDICT, json={"instances": [{"confidential": secret}]})
        process.client.get("/metrics")
        wait_for(lambda: len(access(process.log)) == 2, timeout_seconds=5, what="two lines")
        loaded = next(event for event in events(process.log) if "loadSeconds" in event)
        good, bad = access(process.log)
        text = process.log.read_text()
    assert loaded["digest"] == digest
    assert set(loaded["loadSeconds"]) == {"download", "open", "warm_up"}
    assert good["requestId"] == "from-the-client"
    assert (good["severity"], good["code"], good["protocol"], good["samples"]) == ("info", "200", "v1", 2)
    assert good["operation"] == f"POST {PREDICT}"
    assert (good["requestBytes"], good["responseBytes"]) == (len(body), len(answer.content))
    assert 0 < good["phaseSeconds"]["infer"] < good["seconds"] < 10
    assert "reason" not in good
    assert (bad["code"], bad["reason"], bad["samples"]) == ("400", "RequestInvalid", 0)
    for content in ("confidential", "awful", *answer.json()["predictions"][0]["probabilities"]):
        assert content not in text


def test_probes_and_scrapes_are_not_requests(tmp_path: Path) -> None:
    digest = write_artifact(tmp_path / "artifact")
    with predictor((tmp_path / "artifact").as_uri(), digest, tmp_path, JSON) as process:
        process.wait_ready()
        for path in ("/", "/v2/health/live", f"/v2/models/{MODEL}/ready", "/metrics"):
            process.client.get(path)
        process.client.get("/nowhere%0Asevere:%20forged")
        wait_for(lambda: bool(access(process.log)), timeout_seconds=5, what="a line")
        assert [event["operation"] for event in access(process.log)] == ["GET /nowhere%0Asevere:%20forged"]
        text = process.client.get("/metrics").text
        assert 'transfermodel_requests_total{code="404",protocol="other"} 1.0' in text
        assert 'transfermodel_errors_total{reason="NotFound"} 1.0' in text


def test_without_the_variables_a_person_reads_what_was_loaded_and_no_requests(tmp_path: Path) -> None:
    digest = write_artifact(tmp_path / "artifact")
    with predictor((tmp_path / "artifact").as_uri(), digest, tmp_path) as process:
        process.wait_ready()
        image = {"image": {"b64": base64.b64encode(picture()).decode()}}
        assert process.client.post(PREDICT, json={"instances": [image]}).status_code == 200
        (line,) = process.log.read_text().splitlines()
    assert f"{MODEL} v2 ({digest}): 3 classes" in line
    assert "{" not in line


def test_a_start_that_fails_is_one_event(tmp_path: Path) -> None:
    digest = write_artifact(tmp_path / "artifact", b"no graph")
    with predictor((tmp_path / "artifact").as_uri(), digest, tmp_path, JSON) as process:
        assert process.wait_end() == 1
        (event,) = events(process.log)
        assert event["severity"] == "critical"
        assert event["message"] == process.termination.read_text()
        assert "exception" not in event


@pytest.mark.parametrize(
    ("name", "wrong", "said"),
    [
        ("TRANSFERMODEL_LOG_FORMAT", "xml", "'xml'; plain or json is needed"),
        ("TRANSFERMODEL_ACCESS_LOG", "yes", "'yes'; false or true is needed"),
    ],
)
def test_a_variable_that_is_wrong_is_named(tmp_path: Path, name: str, wrong: str, said: str) -> None:
    digest = write_artifact(tmp_path / "artifact")
    with predictor((tmp_path / "artifact").as_uri(), digest, tmp_path, {name: wrong}) as process:
        assert process.wait_end() == 1
        assert process.termination.read_text() == f"The environment variable {name} is {said}."


def test_a_traceback_is_within_its_event_and_any_text_can_be_written() -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError:
        raised = sys.exc_info()
    record = logging.LogRecord("x", logging.ERROR, "", 0, "A %s \udcff.", ("surrogate",), raised)
    record.__dict__.update(fields(bytes=3))
    (line,) = JsonFormatter().format(record).splitlines()
    event = json.loads(line)
    assert event["severity"].strip("'") == "error"
    assert "A surrogate" in event["message"]
    assert "ValueError: two" in event["exception"]
