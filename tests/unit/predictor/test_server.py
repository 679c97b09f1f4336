"""The real server process over HTTP on loopback: answers, refusals, and what is not there."""

import base64
import io
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from tests.support.colours import LABELS, picture, write_artifact
from tests.support.predictor_process import MODEL, VERSION, PredictorProcess, predictor

pytestmark = pytest.mark.unit

COLOURS = {"red": (230, 20, 20), "green": (20, 230, 20), "blue": (20, 20, 230)}
V1 = f"/v1/models/{MODEL}:predict"
V2 = f"/v2/models/{MODEL}/infer"
LENGTH = "Inference-Header-Content-Length"
LIMITS = {
    "TRANSFERMODEL_MAX_BODY_BYTES": "4000000",
    "TRANSFERMODEL_MAX_IMAGE_BYTES": "100000",
    "TRANSFERMODEL_MAX_IMAGE_PIXELS": "1000000",
    "TRANSFERMODEL_MAX_BATCH": "100",
}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[PredictorProcess, str]]:
    folder = tmp_path_factory.mktemp("served")
    digest = write_artifact(folder / "artifact")
    with predictor((folder / "artifact").as_uri(), digest, folder, LIMITS) as process:
        process.wait_ready()
        yield process, digest
    assert process.process.returncode == 0, process.log.read_text()


@pytest.fixture
def client(served: tuple[PredictorProcess, str]) -> httpx.Client:
    return served[0].client


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def instance(data: bytes) -> dict[str, Any]:
    return {"image": {"b64": b64(data)}}


def image_input(*images: bytes, **changes: Any) -> dict[str, Any]:
    return {"name": "image", "datatype": "BYTES", "shape": [len(images)], "data": [*map(b64, images)]} | changes


def sentence(response: httpx.Response) -> str:
    """Return the refusal, which must be one sentence in JSON."""
    assert 400 <= response.status_code < 500, (response.status_code, response.text)
    said = response.json()["error"]
    assert isinstance(said, str)
    assert len(said) > 15
    return said


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


def binary_request(images: list[bytes], **changes: Any) -> tuple[bytes, dict[str, str]]:
    raw = b"".join(len(image).to_bytes(4, "little") + image for image in images)
    parameters = {"binary_data_size": len(raw)}
    entry = {"name": "image", "datatype": "BYTES", "shape": [len(images)], "parameters": parameters}
    document = json.dumps({"inputs": [entry]} | changes).encode()
    return document + raw, {LENGTH: str(len(document)), "Content-Type": "application/octet-stream"}


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
        "parameters": {"digest": digest},
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
    assert f'request_predict_seconds_count{{model_name="{MODEL}"}}' in text
    assert "process_resident_memory_bytes" in text


def test_a_cloud_event_is_answered_with_one(client: httpx.Client) -> None:
    headers = {"ce-id": "1", "ce-source": "test", "ce-type": "image", "ce-specversion": "1.0"}
    response = client.post(V1, json={"instances": [instance(picture())]}, headers=headers)
    assert response.status_code == 200
    assert response.headers["ce-type"] == "io.kserve.inference.response"
    assert response.json()["predictions"][0]["label"] == "red"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/v1/models/other:predict", 404),
        ("POST", "/v2/models/other/infer", 404),
        ("POST", f"/v2/models/{MODEL}/versions/v1/infer", 404),
        ("GET", "/v2/models/other", 404),
        ("GET", "/v1/models/other", 404),
        ("GET", f"/v2/models/{MODEL}/versions/v3", 404),
        ("GET", "/v2/models/other/ready", 404),
        ("GET", V2, 405),
        ("GET", V1, 404),
        ("POST", f"/v1/models/{MODEL}:explain", 405),
        ("GET", "/nothing", 404),
        ("GET", "/docs", 404),
        ("GET", "/openapi.json", 404),
        # kserve's own routes to load and unload models, open to everybody.
        ("POST", f"/v2/repository/models/{MODEL}/unload", 404),
        ("POST", f"/v2/repository/models/{MODEL}/load", 404),
    ],
)
def test_what_is_not_there(client: httpx.Client, method: str, path: str, status: int) -> None:
    response = client.request(method, path, content=b"{}" if method == "POST" else None)
    assert response.status_code == status
    assert sentence(response)
    assert client.get(f"/v2/models/{MODEL}/ready").status_code == 200


BIG = np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8)


def big_png() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(BIG).save(buffer, format="PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("document", "status", "said"),
    [
        ({}, 400, "'instances' is missing"),
        ({"instances": []}, 400, "'instances' is empty"),
        ({"instances": None}, 400, "'instances' is missing"),
        ({"instances": {}}, 400, "'instances' is an object"),
        ({"instances": "x"}, 400, "'instances' is a string"),
        ([], 400, "The body is a list"),
        (None, 400, "The body is null"),
        ({"instances": [1]}, 400, r"instances\[0\] is a number"),
        ({"instances": [{}]}, 400, "exactly the key 'image'"),
        ({"instances": [{"picture": {"b64": ""}}]}, 400, "has the key 'picture'"),
        ({"instances": [{"image": "AAAA"}]}, 400, r"instances\[0\]\.image is a string; an object with the key 'b64'"),
        ({"instances": [{"image": {"base64": "AAAA"}}]}, 400, "has the key 'base64'"),
        ({"instances": [{"image": {"b64": 7}}]}, 400, r"instances\[0\]\.image\.b64 is a number"),
        ({"instances": [{"image": {"b64": "!!!!"}}]}, 400, "is not base64"),
        ({"instances": [{"image": {"b64": "ÄÖÜ"}}]}, 400, "is not base64"),
        ({"instances": [{"image": {"b64": "QUJD"}}]}, 400, r"instances\[0\]\.image\.b64: The bytes are not an image"),
        ({"instances": [{"image": {"b64": ""}}]}, 400, "The image is empty"),
        ({"instances": [instance(picture()), {"image": {"b64": "QUJD"}}]}, 400, r"instances\[1\]"),
        ({"instances": [instance(big_png())]}, 413, "at most 100000 are accepted"),
        ({"instances": [instance(picture(size=(1001, 1000)))]}, 400, "1001 x 1000 pixels; at most 1000000"),
        ({"instances": [instance(picture())] * 101}, 413, "has 101 images; at most 100"),
    ],
)
def test_bad_input_of_version_1(client: httpx.Client, document: Any, status: int, said: str) -> None:
    response = client.post(V1, json=document) if document is not None else client.post(V1, content=b"null")
    assert response.status_code == status
    assert pytest.raises(AssertionError, match=said).matches(AssertionError(sentence(response))), response.text


@pytest.mark.parametrize("path", [V1, V2])
@pytest.mark.parametrize(
    ("body", "said"),
    [(b"", "The body is empty"), (b"{", "not JSON"), (b"\xff\xfe", "not JSON"), (b"[" * 100_000, "not JSON")],
)
def test_a_body_that_is_not_json(client: httpx.Client, path: str, body: bytes, said: str) -> None:
    assert said in sentence(client.post(path, content=body))


NO_DATA = {"name": "image", "datatype": "BYTES", "shape": [1]}
PIXELS = {"name": "pixels", "datatype": "UINT8", "shape": [1, 1, 1, 3], "data": [1, 2, 3]}


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        (None, "'inputs' must be a list of exactly one input"),
        ([], "exactly one input"),
        ([image_input(picture()), PIXELS], "exactly one input"),
        ([1], "is a number"),
        ([image_input(picture(), name="images")], "has the name 'images'; this model takes 'image'"),
        ([image_input(picture(), datatype="FP32")], "has the datatype 'FP32'; BYTES is needed"),
        ([image_input(picture(), shape=[2])], "but 1 elements of data"),
        ([image_input(picture(), shape=[0], data=[])], "is empty"),
        ([image_input(picture(), shape=[-1])], "whole numbers"),
        ([image_input(picture(), shape=[True])], "whole numbers"),
        ([image_input(picture(), shape=[1, 2])], "[N] is needed"),
        ([image_input(picture(), shape=[])], "[N] is needed"),
        ([image_input(picture(), data=None)], "is null"),
        ([image_input(picture(), data=[1])], "image[0] is a number"),
        ([image_input(picture(), data=["%"])], "not base64"),
        ([image_input(b"abc")], "not an image"),
        ([image_input(picture(), parameters={"binary_data_size": 5})], "both data and binary_data_size"),
        ([image_input(picture(), parameters=[])], "are a list"),
        ([NO_DATA], "has no data"),
        (
            [{"name": "image", "datatype": "BYTES", "shape": [1], "parameters": {"binary_data_size": 9}}],
            "0 bytes follow",
        ),
        ([PIXELS | {"datatype": "FP32"}], "UINT8 is needed"),
        ([PIXELS | {"shape": [1, 1, 1, 4]}], "[N, height, width, 3] is needed"),
        ([PIXELS | {"shape": [1, 0, 1, 3]}], "[N, height, width, 3] is needed"),
        ([PIXELS | {"shape": [1, 2, 1, 3]}], "which is 6 numbers, but 3 were sent"),
        ([PIXELS | {"shape": [1, 10_000, 10_000, 3]}], "at most 1000000"),
        ([PIXELS | {"data": [1, 2, 256]}], "0 to 255"),
        ([PIXELS | {"data": [1, 2, -1]}], "0 to 255"),
        ([PIXELS | {"data": [1, 2, 0.5]}], "0 to 255"),
        ([PIXELS | {"data": [1, 2, "3"]}], "0 to 255"),
        ([PIXELS | {"data": [[1, 2], 3]}], "0 to 255"),
        ([PIXELS | {"data": [1, 2, 10**30]}], "0 to 255"),
        ([PIXELS | {"data": {}}], "is an object"),
    ],
)
def test_bad_input_of_version_2(client: httpx.Client, inputs: Any, said: str) -> None:
    assert said in sentence(client.post(V2, json={"inputs": inputs}))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"id": 7}, "'id' is a number"),
        ({"outputs": {}}, "'outputs' is an object"),
        ({"outputs": [{"name": "logits"}]}, "asks for 'logits'"),
        ({"outputs": [7]}, "asks for 'None'"),
        ({"outputs": [{"name": "label", "parameters": {"binary_data": "yes"}}]}, "true or false"),
        ({"parameters": []}, "parameters of the request are a list"),
    ],
)
def test_bad_envelopes_of_version_2(client: httpx.Client, changes: dict[str, Any], said: str) -> None:
    assert said in sentence(client.post(V2, json={"inputs": [image_input(picture())]} | changes))


@pytest.mark.parametrize("length", ["-1", "x", "1e3", "99999999", "", "0", "²"])
def test_a_length_of_the_json_part_that_is_wrong(client: httpx.Client, length: str) -> None:
    body, _ = binary_request([picture()])
    assert sentence(client.post(V2, content=body, headers={LENGTH.encode(): length.encode()}))


def test_binary_elements_that_do_not_add_up(client: httpx.Client) -> None:
    body, headers = binary_request([picture()])
    assert "bytes follow the JSON part" in sentence(client.post(V2, content=body + b"x", headers=headers))
    json_length = int(headers[LENGTH])
    broken = bytearray(body)
    broken[json_length : json_length + 4] = (2**32 - 1).to_bytes(4, "little")
    assert "4294967295 bytes" in sentence(client.post(V2, content=bytes(broken), headers=headers))
    broken[json_length : json_length + 4] = (3).to_bytes(4, "little")
    assert "bytes more than" in sentence(client.post(V2, content=bytes(broken), headers=headers))


def test_a_body_above_the_limit_is_refused_whether_or_not_its_length_is_told(client: httpx.Client) -> None:
    body = b" " * 4_000_001
    assert client.post(V1, content=body).status_code == 413
    assert client.post(V1, content=iter([body])).status_code == 413
    assert client.post(V1, content=iter([body[:-1]])).status_code == 400
    assert client.get("/v2/health/ready").status_code == 200


def test_packed_bodies_are_refused(client: httpx.Client) -> None:
    response = client.post(V1, content=b"x", headers={"Content-Encoding": "gzip"})
    assert response.status_code == 415
    assert "gzip" in sentence(response)


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
