"""Bad input to the real server process: a status of 4xx, and a sentence that says what to do."""

import io
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from tests.support.colours import picture
from tests.support.predictor_process import MODEL
from tests.support.predictor_requests import LENGTH, V1, V2, binary_request, image_input, instance, sentence

pytestmark = pytest.mark.unit


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
        ("GET", V1, 405),
        ("POST", "/v1/models/other:explain", 404),
        ("GET", f"/v1/models/{MODEL}:train", 404),
        ("GET", "/nothing", 404),
        ("GET", "/docs/", 404),
        ("POST", "/openapi.json", 405),
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
        ([image_input(picture(), shape=[1] * 9)], "whole numbers"),
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
        ({"outputs": [7]}, "asks for null"),
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
