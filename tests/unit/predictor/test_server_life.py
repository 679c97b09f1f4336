"""Start and end of the real process: ready only when it can answer, one clear line when it cannot, a graceful end."""

import base64
import json
import os
import signal
import socket
import threading
import time
from pathlib import Path

import httpx
import pytest

from tests.support.colours import describe, picture, write_artifact
from tests.support.predictor_process import MODEL, PredictorProcess, predictor
from tests.support.predictor_texts import describe_texts, word_model, write_text_artifact
from tests.support.slow_bucket import bucket
from tests.support.waiting import wait_for

pytestmark = pytest.mark.unit
Artifact = tuple[Path, str]
URI = "s3://bucket/artifact"
REQUEST = {"instances": [{"image": {"b64": base64.b64encode(picture()).decode()}}]}


def ended(process: PredictorProcess) -> str:
    """Wait for its end, which must be a failure told in one line, the same in the log and to Kubernetes."""
    assert process.wait_end() == 1, process.log.read_text()
    message = process.termination.read_text()
    assert "\n" not in message
    assert f"transfermodel-predictor: {message}\n" in process.log.read_text()
    assert "Traceback" not in process.log.read_text()
    assert "hidden" not in process.log.read_text()
    return message


def test_it_listens_at_once_and_is_ready_only_when_it_can_answer(artifact: Artifact, tmp_path: Path) -> None:
    folder, digest = artifact
    with bucket(folder) as store, predictor(URI, digest, tmp_path, store.environment) as process:
        wait_for(lambda: process.status_of_ready() == 503, timeout_seconds=30, what="listens", interval_seconds=0.02)
        early = process.client.post(f"/v1/models/{MODEL}:predict", json=REQUEST)
        assert early.status_code == 503
        assert "still loading" in early.json()["error"]
        assert process.client.get("/v2/health/live").status_code == 200
        assert process.client.get(f"/v2/models/{MODEL}/ready").status_code == 503
        assert process.client.get(f"/v2/models/{MODEL}").status_code == 503
        store.released.set()
        process.wait_ready()
        assert process.client.post(f"/v1/models/{MODEL}:predict", json=REQUEST).status_code == 200
        # Each file once, and only what is served.
        names = ["manifest.json", "model.json", "model.onnx"]
        assert sorted(store.requests) == [f"/bucket/artifact/{name}" for name in names]


def test_a_tokenizer_is_asked_for_where_the_model_needs_one(tmp_path: Path) -> None:
    folder = tmp_path / "artifact"
    digest = write_text_artifact(folder)
    with bucket(folder) as store, predictor(URI, digest, tmp_path, store.environment) as process:
        store.released.set()
        process.wait_ready()
        answer = process.client.post(f"/v1/models/{MODEL}:predict", json={"instances": [{"text": "lovely"}]})
        assert answer.json()["predictions"][0]["label"] == "good"
        names = ["manifest.json", "model.json", "model.onnx", "tokenizer.json"]
        assert sorted(store.requests) == [f"/bucket/artifact/{name}" for name in names]


def test_a_tokenizer_that_is_missing_or_broken_is_named(tmp_path: Path) -> None:
    listed = write_text_artifact(tmp_path / "replaced")
    (tmp_path / "replaced" / "tokenizer.json").write_bytes(b"{}")
    (tmp_path / "absent").mkdir()
    unlisted = write_artifact(tmp_path / "absent", word_model(), describe_texts().to_json())
    broken = write_text_artifact(tmp_path / "broken", b"{}")
    for name, digest, said in (
        ("replaced", listed, "tokenizer.json (2 bytes) is not the file of the manifest"),
        ("absent", unlisted, "lists no tokenizer.json: the artifact is not complete"),
        ("broken", broken, "tokenizer.json cannot be read"),
    ):
        with predictor((tmp_path / name).as_uri(), digest, tmp_path) as process:
            assert said in ended(process)


def test_told_to_end_while_it_loads_it_ends_at_once(artifact: Artifact, tmp_path: Path) -> None:
    folder, digest = artifact
    with bucket(folder) as store, predictor(URI, digest, tmp_path, store.environment) as process:
        wait_for(lambda: process.status_of_ready() == 503, timeout_seconds=30, what="listens", interval_seconds=0.02)
        process.process.send_signal(signal.SIGTERM)
        assert process.wait_end() == 0
        assert not store.released.is_set()


def test_a_request_in_work_is_answered_before_it_ends(artifact: Artifact, tmp_path: Path) -> None:
    folder, digest = artifact
    with predictor(folder.as_uri(), digest, tmp_path) as process:
        process.wait_ready()
        image = {"image": {"b64": base64.b64encode(picture(size=(1500, 1500))).decode()}}
        answers: list[int] = []

        def ask() -> None:
            with httpx.Client(base_url=process.client.base_url, timeout=60, trust_env=False) as client:
                response = client.post(f"/v1/models/{MODEL}:predict", json={"instances": [image] * 60})
                answers.append(len(response.json()["predictions"]))

        thread = threading.Thread(target=ask)
        thread.start()
        in_work = "transfermodel_requests_in_progress 1.0"
        wait_for(
            lambda: in_work in process.client.get("/metrics").text,
            timeout_seconds=30,
            what="the request is in work",
            interval_seconds=0.01,
        )
        assert not answers, "the request was too short to be in work"
        process.process.send_signal(signal.SIGTERM)
        thread.join(60)
        assert answers == [60]
        assert process.wait_end() == 0


def test_nothing_listens_but_http(artifact: Artifact, tmp_path: Path) -> None:
    folder, digest = artifact
    with predictor(folder.as_uri(), digest, tmp_path) as process:
        process.wait_ready()
        inodes = {
            os.readlink(path).removeprefix("socket:[").removesuffix("]")
            for path in Path(f"/proc/{process.process.pid}/fd").iterdir()
            if os.readlink(path).startswith("socket:")
        }
        lines = [
            line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()
        ]
        listening = {int(line[1].split(":")[1], 16) for line in lines if line[3] == "0A" and line[9] in inodes}
        assert listening == {process.client.base_url.port}


@pytest.mark.parametrize("name", ["manifest.json", "model.json", "model.onnx"])
def test_an_artifact_that_was_changed_is_not_served(artifact: Artifact, tmp_path: Path, name: str) -> None:
    folder, digest = artifact
    content = bytearray((folder / name).read_bytes())
    content[-1] ^= 1
    (folder / name).write_bytes(content)
    with predictor(folder.as_uri(), digest, tmp_path) as process:
        said = ended(process)
        assert f"{folder.as_uri()}/{name} " in said
        assert "somebody replaced" in said


def test_a_missing_artifact_is_named(artifact: Artifact, tmp_path: Path) -> None:
    folder, digest = artifact
    with bucket(folder) as store, predictor("s3://bucket/other", digest, tmp_path, store.environment) as process:
        store.released.set()
        assert "s3://bucket/other/manifest.json does not exist" in ended(process)


def test_access_denied_names_the_secret(artifact: Artifact, tmp_path: Path) -> None:
    folder, digest = artifact
    with bucket(folder) as store, predictor(URI, digest, tmp_path, store.environment) as process:
        store.status = 403
        store.released.set()
        said = ended(process)
        assert f"Access to read {URI}/manifest.json is denied" in said
        assert "Secret" in said


@pytest.mark.parametrize(
    ("model", "description", "said"),
    [
        (b"no graph", None, "model.onnx cannot be loaded"),
        (None, b"{}", "model.json cannot be read: Object missing required field `backbone`"),
        (None, describe(("a", "b")).to_json(), "3 outputs, model.json 2 labels"),
        (None, describe(size=17).to_json(), "fails on a sample without content"),
    ],
)
def test_an_artifact_that_cannot_answer_is_not_served(
    tmp_path: Path, model: bytes | None, description: bytes | None, said: str
) -> None:
    digest = write_artifact(tmp_path / "artifact", model, description)
    with predictor((tmp_path / "artifact").as_uri(), digest, tmp_path) as process:
        assert said in ended(process)


def test_a_variable_that_is_wrong_is_named(artifact: Artifact, tmp_path: Path) -> None:
    folder, digest = artifact
    with predictor(folder.as_uri(), digest, tmp_path, {"TRANSFERMODEL_MODEL_NAME": ""}) as process:
        assert "TRANSFERMODEL_MODEL_NAME is not set" in ended(process)


def test_a_client_that_goes_away_disturbs_nobody(artifact: Artifact, tmp_path: Path) -> None:
    folder, digest = artifact
    with predictor(folder.as_uri(), digest, tmp_path) as process:
        process.wait_ready()
        body = json.dumps(REQUEST).encode()
        head = f"POST /v1/models/{MODEL}:predict HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        for sent in (head, head + body[:-5], head + body):
            with socket.create_connection(("127.0.0.1", process.client.base_url.port or 0)) as connection:
                connection.sendall(sent)
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline:
            assert process.client.post(f"/v1/models/{MODEL}:predict", json=REQUEST).status_code == 200
        assert "Traceback" not in process.log.read_text()
