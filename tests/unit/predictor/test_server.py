"""The real server process over HTTP on loopback: its answers."""

import io
import json
import threading
import time

import httpx
import numpy as np
import pytest
from PIL import Image

from tests.support.colours import LABELS, picture
from tests.support.predictor_process import MODEL, VERSION, PredictorProcess
from tests.support.predictor_requests import COLOURS, LENGTH, V1, V2, binary_request, image_input, instance

pytestmark = pytest.mark.unit


def test_version_1_answers_in_order(client: httpx.Client) -> None:
    names = ["blue", "red", "green", "red"]
    response = client.post(V1, json={"instances": [instance(picture(COLOURS[name])) for name in names]})
    assert response.status_code == 200
    predictions = response.json()["predictions"]
    assert [prediction["label"] for prediction in predictions] == names
    for prediction in predictions:
        assert set(prediction) == {"label", "probability", "probabilities", "modelVersion"}
        assert prediction["modelVersion"] == VERSION
        assert tuple(prediction["probabilities"]) == LABELS
        assert prediction["probability"] == prediction["probabilities"][prediction["label"]]
        assert sum(prediction["probabilities"].values()) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "text/plain", None])
def test_the_content_type_does_not_matter(client: httpx.Client, content_type: str | None) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    body = json.dumps({"instances": [instance(picture())]})
    assert client.post(V1, content=body, headers=headers).json()["predictions"][0]["label"] == "red"
    body = json.dumps({"inputs": [image_input(picture())]})
    assert client.post(V2, content=body, headers=headers).json()["outputs"][0]["data"] == ["red"]


def test_version_2_names_version_and_digest(served: tuple[PredictorProcess, str]) -> None:
    process, digest = served
    response = process.client.post(V2, json={"id": "42", "inputs": [image_input(*map(picture, COLOURS.values()))]})
    assert response.status_code == 200
    answer = response.json()
    assert (answer["model_name"], answer["model_version"], answer["id"]) == (MODEL, VERSION, "42")
    assert answer["parameters"] == {"digest": digest}
    label, probabilities = answer["outputs"]
    assert label == {"name": "label", "datatype": "BYTES", "shape": [3], "data": list(COLOURS)}
    assert (probabilities["name"], probabilities["datatype"]) == ("probabilities", "FP32")
    assert probabilities["shape"] == [3, 3]
    assert np.array(probabilities["data"]).reshape(3, 3).argmax(axis=1).tolist() == [0, 1, 2]


def test_version_2_binary_both_ways(client: httpx.Client) -> None:
    images = [picture(colour) for colour in COLOURS.values()]
    body, headers = binary_request(images, parameters={"binary_data_output": True})
    response = client.post(V2, content=body, headers=headers)
    assert response.status_code == 200
    length = int(response.headers[LENGTH])
    answer, tail = json.loads(response.content[:length]), response.content[length:]
    label, probabilities = answer["outputs"]
    split = label["parameters"]["binary_data_size"]
    assert tail[:split] == b"".join(len(name).to_bytes(4, "little") + name.encode() for name in COLOURS)
    shares = np.frombuffer(tail[split:], "<f4").reshape(probabilities["shape"])
    expected = client.post(V2, json={"inputs": [image_input(*images)]}).json()["outputs"][1]["data"]
    np.testing.assert_array_equal(shares.ravel(), np.array(expected, np.float32))


def test_version_2_answers_only_what_is_asked_for(client: httpx.Client) -> None:
    request = {"inputs": [image_input(picture())], "outputs": [{"name": "probabilities"}]}
    assert [output["name"] for output in client.post(V2, json=request).json()["outputs"]] == ["probabilities"]


def test_pixels_are_the_same_image(client: httpx.Client) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (2, 20, 24, 3), np.uint8)
    files = []
    for array in pixels:
        buffer = io.BytesIO()
        Image.fromarray(array).save(buffer, format="PNG")
        files.append(buffer.getvalue())
    expected = client.post(V2, json={"inputs": [image_input(*files)]}).json()["outputs"]
    entry = {"name": "pixels", "datatype": "UINT8", "shape": list(pixels.shape)}
    for data in (pixels.tolist(), pixels.ravel().tolist()):
        assert client.post(V2, json={"inputs": [entry | {"data": data}]}).json()["outputs"] == expected
    document = json.dumps({"inputs": [entry | {"parameters": {"binary_data_size": pixels.size}}]}).encode()
    response = client.post(V2, content=document + pixels.tobytes(), headers={LENGTH: str(len(document))})
    assert response.json()["outputs"] == expected


def test_metadata_is_filled(served: tuple[PredictorProcess, str]) -> None:
    process, digest = served
    client = process.client
    described = client.get(f"/v2/models/{MODEL}").json()
    assert described == {
        "name": MODEL,
        "versions": [VERSION],
        "platform": "onnxruntime_onnx",
        "inputs": [
            {"name": "image", "datatype": "BYTES", "shape": [-1]},
            {"name": "pixels", "datatype": "UINT8", "shape": [-1, -1, -1, 3]},
        ],
        "outputs": [
            {"name": "label", "datatype": "BYTES", "shape": [-1]},
            {"name": "probabilities", "datatype": "FP32", "shape": [-1, 3]},
        ],
        "labels": list(LABELS),
        "parameters": {"digest": digest, "precision": "Float32", "device": "cpu"},
        "explanation": {"method": "occlusion", "grid": {"default": 7, "minimum": 2, "maximum": 14}},
    }
    assert client.get(f"/v2/models/{MODEL}/versions/{VERSION}").json() == described
    first = client.get(f"/v1/models/{MODEL}").json()
    assert (first["name"], first["ready"], first["version"], first["labels"]) == (MODEL, True, VERSION, list(LABELS))
    assert client.get("/v2").json()["extensions"] == ["binary_tensor_data"]
    assert client.get("/v1/models").json() == client.get("/v2/models").json() == {"models": [MODEL]}


@pytest.mark.parametrize(
    "path",
    ["/", "/v2/health/live", "/v2/health/ready", f"/v2/models/{MODEL}/ready", f"/v2/models/{MODEL}/versions/v2/ready"],
)
def test_health(client: httpx.Client, path: str) -> None:
    assert client.get(path).status_code == 200


def test_metrics_count_predictions(client: httpx.Client) -> None:
    client.post(V1, json={"instances": [instance(picture())]})
    text = client.get("/metrics").text
    assert 'transfermodel_phase_seconds_count{phase="infer"}' in text
    assert "process_resident_memory_bytes" in text


def test_a_cloud_event_is_answered_with_one(client: httpx.Client) -> None:
    headers = {"ce-id": "1", "ce-source": "test", "ce-type": "image", "ce-specversion": "1.0"}
    response = client.post(V1, json={"instances": [instance(picture())]}, headers=headers)
    assert response.status_code == 200
    assert response.headers["ce-type"] == "io.kserve.inference.response"
    assert response.json()["predictions"][0]["label"] == "red"


def test_probes_are_answered_while_it_works(served: tuple[PredictorProcess, str]) -> None:
    process, _ = served
    body = json.dumps({"instances": [instance(picture(size=(999, 999)))] * 100}).encode()
    done = threading.Event()
    seconds: list[float] = []

    def ask() -> None:
        with httpx.Client(base_url=process.client.base_url, timeout=60, trust_env=False) as other:
            begun = time.perf_counter()
            assert other.post(V1, content=body).status_code == 200
            seconds.append(time.perf_counter() - begun)
        done.set()

    thread = threading.Thread(target=ask)
    thread.start()
    slowest = 0.0
    while not done.is_set():
        begun = time.perf_counter()
        assert process.status_of_ready() == 200
        slowest = max(slowest, time.perf_counter() - begun)
    thread.join()
    assert seconds, "the request failed"
    assert slowest < seconds[0] / 2, f"a probe waited {slowest:.2f} s of the {seconds[0]:.2f} s that a request took"
