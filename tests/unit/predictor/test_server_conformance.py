"""The real process against the protocols' specification, and against the clients that kserve itself ships."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import httpx
import jsonschema  # type: ignore[import-untyped]
import numpy as np
import pytest
from cloudevents.conversion import to_binary, to_structured
from cloudevents.http import CloudEvent, from_http
from kserve import InferenceRESTClient, InferInput, InferRequest, InferResponse
from kserve.inference_client import RESTConfig
from kserve.protocol.infer_type import RequestedOutput

from tests.support import open_inference as specification
from tests.support.colours import LABELS, picture
from tests.support.predictor_process import MODEL, VERSION, PredictorProcess
from tests.support.predictor_requests import COLOURS, V1, V2, audio_input, b64, image_input, instance, text_input
from tests.support.predictor_sounds import encode, tone

pytestmark = pytest.mark.unit
T = TypeVar("T")
V2_MODEL = f"/v2/models/{MODEL}"
PICTURES = [picture(colour) for colour in COLOURS.values()]


@pytest.fixture(params=["image", "text", "audio"])
def model(request: pytest.FixtureRequest, served: tuple[PredictorProcess, str]) -> tuple[dict[str, Any], httpx.Client]:
    """An input that a served model answers, of each modality in turn, and its client."""
    inputs = {
        "image": lambda: image_input(*PICTURES),
        "text": lambda: text_input("a lovely film", "awful"),
        "audio": lambda: audio_input(encode(tone())),
    }
    others = {"text": "texts", "audio": "sounds"}
    process = served[0] if request.param == "image" else request.getfixturevalue(others[request.param])
    return inputs[request.param](), process.client


def is_as(schema: specification.Schema, value: Any) -> None:
    jsonschema.Draft202012Validator(schema).validate(value)


@pytest.mark.parametrize(
    ("path", "schema"),
    [
        ("/v2/health/live", specification.SERVER_LIVE),
        ("/v2", specification.SERVER_METADATA),
        (f"{V2_MODEL}/ready", specification.MODEL_READY),
        (f"{V2_MODEL}/versions/{VERSION}/ready", specification.MODEL_READY),
        (V2_MODEL, specification.MODEL_METADATA),
        (f"{V2_MODEL}/versions/{VERSION}", specification.MODEL_METADATA),
    ],
)
def test_what_is_told_is_as_specified(
    model: tuple[dict[str, Any], httpx.Client], path: str, schema: specification.Schema
) -> None:
    response = model[1].get(path)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    is_as(schema, response.json())


def test_health_is_a_status(client: httpx.Client) -> None:
    assert client.get("/v2/health/ready").status_code == 200
    assert client.head("/v2/health/ready").status_code == 200


@pytest.mark.parametrize("path", [V2, f"{V2_MODEL}/versions/{VERSION}/infer"])
def test_inference_is_as_specified(model: tuple[dict[str, Any], httpx.Client], path: str) -> None:
    tensor, client = model
    response = client.post(path, json={"id": "42", "inputs": [tensor]})
    assert response.status_code == 200
    answer = response.json()
    is_as(specification.INFERENCE, answer)
    assert (answer["model_name"], answer["model_version"], answer["id"]) == (MODEL, VERSION, "42")
    told = {output["name"]: output for output in client.get(V2_MODEL).json()["outputs"]}
    for output in answer["outputs"]:
        assert len(output["data"]) == math.prod(output["shape"])
        assert output["datatype"] == told[output["name"]]["datatype"]
        sizes = zip(output["shape"], told[output["name"]]["shape"], strict=True)
        assert all(promised in (-1, size) for size, promised in sizes)
    assert client.get(V2_MODEL).json()["inputs"][0]["name"] == tensor["name"]


def test_outputs_that_are_asked_for_are_the_only_ones(model: tuple[dict[str, Any], httpx.Client]) -> None:
    tensor, client = model
    wanted = [{"name": "probabilities", "parameters": {"unknown": 1}}]
    answer = client.post(V2, json={"inputs": [tensor | {"parameters": {"unknown": 1}}], "outputs": wanted}).json()
    is_as(specification.INFERENCE, answer)
    assert [output["name"] for output in answer["outputs"]] == ["probabilities"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/v2/models/other", None),
        ("GET", "/v2/models/other/ready", None),
        ("GET", f"{V2_MODEL}/versions/v9", None),
        ("POST", "/v2/models/other/infer", {"inputs": []}),
        ("POST", f"{V2_MODEL}/versions/v9/infer", {"inputs": []}),
        ("POST", V2, {}),
        ("POST", V2, {"inputs": [{"name": "nothing"}]}),
        ("POST", V2, {"inputs": [image_input(b"no image")]}),
        ("POST", V2, {"inputs": [image_input(PICTURES[0])], "outputs": [{"name": "nothing"}]}),
    ],
)
def test_errors_are_as_specified(client: httpx.Client, method: str, path: str, body: Any) -> None:
    response = client.request(method, path, json=body)
    assert 400 <= response.status_code < 500
    assert response.headers["content-type"] == "application/json"
    is_as(specification.ERROR, response.json())


def with_client(protocol: str, ask: Callable[[InferenceRESTClient], Awaitable[T]]) -> T:
    """Ask with kserve's client."""

    async def asked() -> T:
        async with InferenceRESTClient(RESTConfig(protocol=protocol, timeout=60)) as client:
            return await ask(client)

    return asyncio.run(asked())


@pytest.mark.parametrize("protocol", ["v1", "v2"])
def test_kserves_client_sees_that_it_is_there(served: tuple[PredictorProcess, str], protocol: str) -> None:
    url = str(served[0].client.base_url)
    assert with_client(protocol, lambda client: client.is_server_live(url))
    assert with_client(protocol, lambda client: client.is_model_ready(url, MODEL))
    if protocol == "v2":
        assert with_client(protocol, lambda client: client.is_server_ready(url))
        assert not with_client(protocol, lambda client: client.is_model_ready(url, "other"))
    else:
        with pytest.raises(httpx.HTTPStatusError, match="There is no model 'other' here; the model is 'colours'"):
            with_client(protocol, lambda client: client.is_model_ready(url, "other"))


def test_kserves_client_of_version_1(served: tuple[PredictorProcess, str]) -> None:
    url = str(served[0].client.base_url)
    body = {"instances": [instance(data) for data in PICTURES]}
    answer = with_client("v1", lambda client: client.infer(url, body, model_name=MODEL))
    assert [prediction["label"] for prediction in answer["predictions"]] == [*COLOURS]
    explained = with_client("v1", lambda client: client.explain(url, MODEL, body | {"parameters": {"grid": 2}}))
    assert explained["predictions"] == answer["predictions"]
    assert len(explained["explanations"]) == 3
    with pytest.raises(httpx.HTTPStatusError, match="'instances' is missing"):
        with_client("v1", lambda client: client.infer(url, {}, model_name=MODEL))


@pytest.mark.parametrize("binary", [False, True], ids=["json", "binary"])
@pytest.mark.parametrize("binary_answer", [False, True], ids=["json-answer", "binary-answer"])
def test_kserves_client_of_version_2(served: tuple[PredictorProcess, str], binary: bool, binary_answer: bool) -> None:
    url = str(served[0].client.base_url)
    headers: dict[str, str] = {}
    tensor = InferInput("image", [3], "BYTES")
    written = PICTURES if binary else [b64(data) for data in PICTURES]
    tensor.set_data_from_numpy(np.array(written, dtype=object), binary_data=binary)
    outputs = [RequestedOutput(name, {"binary_data": binary_answer}) for name in ("label", "probabilities")]
    request = InferRequest(MODEL, [tensor], request_id="seven", request_outputs=outputs)
    answer: InferResponse = with_client(
        "v2", lambda client: client.infer(url, request, model_name=MODEL, response_headers=headers)
    )
    assert (answer.model_name, answer.id) == (MODEL, "seven")
    label, probabilities = answer.outputs
    assert [_text(value) for value in label.as_numpy()] == [*COLOURS]
    shares = probabilities.as_numpy()
    assert shares.shape == (3, len(LABELS))
    assert shares.dtype == np.float32
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-5)
    assert ("inference-header-content-length" in headers) == binary_answer


@pytest.mark.parametrize("binary", [False, True], ids=["json", "binary"])
def test_kserves_client_sends_pixels(served: tuple[PredictorProcess, str], binary: bool) -> None:
    pixels = np.zeros((2, 20, 24, 3), np.uint8)
    pixels[0, ..., 2] = pixels[1, ..., 1] = 230
    tensor = InferInput("pixels", list(pixels.shape), "UINT8")
    tensor.set_data_from_numpy(pixels, binary_data=binary)
    url = str(served[0].client.base_url)
    answer: InferResponse = with_client(
        "v2", lambda client: client.infer(url, InferRequest(MODEL, [tensor]), model_name=MODEL)
    )
    assert [_text(value) for value in answer.outputs[0].as_numpy()] == ["blue", "green"]


def test_kserves_client_asks_for_the_most_probable(served: tuple[PredictorProcess, str]) -> None:
    tensor = InferInput("image", [1], "BYTES")
    tensor.set_data_from_numpy(np.array(PICTURES[:1], dtype=object), binary_data=True)
    request = InferRequest(MODEL, [tensor], parameters={"top_k": 2})
    url = str(served[0].client.base_url)
    answer: InferResponse = with_client("v2", lambda client: client.infer(url, request, model_name=MODEL))
    by_name = {output.name: output.as_numpy() for output in answer.outputs}
    assert by_name["top_labels"].shape == by_name["top_probabilities"].shape == (1, 2)
    assert _text(by_name["top_labels"][0, 0]) == "red"


def test_kserves_client_shows_the_sentence(served: tuple[PredictorProcess, str]) -> None:
    tensor = InferInput("image", [1], "BYTES")
    tensor.set_data_from_numpy(np.array([b"no image"], dtype=object), binary_data=True)
    url = str(served[0].client.base_url)
    with pytest.raises(httpx.HTTPStatusError, match=r"image\[0\]: The bytes are not an image"):
        with_client("v2", lambda client: client.infer(url, InferRequest(MODEL, [tensor]), model_name=MODEL))


@pytest.mark.parametrize("pack", [to_binary, to_structured], ids=["binary", "structured"])
def test_events_of_the_cloudevents_library(client: httpx.Client, pack: Callable[..., tuple[Any, bytes]]) -> None:
    event = CloudEvent({"type": "picture", "source": "test"}, {"instances": [instance(PICTURES[2])]})
    headers, body = pack(event)
    response = client.post(V1, content=body, headers=dict(headers))
    assert response.status_code == 200
    answer = from_http(dict(response.headers), response.content)
    assert (answer["type"], answer["source"]) == ("io.kserve.inference.response", f"io.kserve.inference.{MODEL}")
    assert answer["id"] != event["id"]
    assert answer.data["predictions"][0]["label"] == "blue"


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
