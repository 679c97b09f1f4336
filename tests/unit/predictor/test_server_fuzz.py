"""Whatever bytes come, the server answers or refuses; it never fails, and it goes on serving."""

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.colours import picture, write_artifact
from tests.support.predictor_process import MODEL, predictor
from tests.support.predictor_sounds import encode, tone, write_sound_artifact
from tests.support.predictor_texts import write_text_artifact

pytestmark = pytest.mark.unit
PICTURE = base64.b64encode(picture()).decode()
RECORDING = base64.b64encode(encode(tone(seconds=0.05))).decode()
SERVED: dict[str, tuple[Callable[[Path], str], Any]] = {
    "images": (write_artifact, {"image": {"b64": PICTURE}}),
    "texts": (write_text_artifact, {"text": "lovely"}),
    "recordings": (write_sound_artifact, {"audio": {"b64": RECORDING}}),
}
"""How an artifact is written, and an instance that its model answers."""
V1 = f"/v1/models/{MODEL}:predict"
V2 = f"/v2/models/{MODEL}/infer"
EXPLAIN = f"/v1/models/{MODEL}:explain"
LIMITS = {"TRANSFERMODEL_MAX_BODY_BYTES": "1000000", "TRANSFERMODEL_MAX_IMAGE_PIXELS": "1000000"}
FUZZ = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=8,
)
text = (
    st.sampled_from([PICTURE, RECORDING, "a lovely film"])
    | st.binary(max_size=40).map(lambda data: base64.b64encode(data).decode())
    | st.text(st.characters(max_codepoint=126), max_size=9)
    | st.integers(0, len(PICTURE)).map(lambda end: PICTURE[:end])
    | st.integers(0, len(RECORDING)).map(lambda end: RECORDING[:end])
    | anything
)


def nearly(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """An object of these fields; in a fifth of all cases some are left out, or it is something else altogether."""
    whole = st.fixed_dictionaries(fields)
    return st.integers(0, 9).flatmap(
        lambda number: anything if number == 9 else st.fixed_dictionaries({}, optional=fields) if number == 8 else whole
    )


sample = nearly(image=nearly(b64=text)) | nearly(text=text) | nearly(audio=nearly(b64=text))
asked = nearly(top_k=st.integers(-1, 5) | anything)
v1_request = nearly(instances=st.lists(sample, max_size=3) | anything, parameters=st.none() | asked | anything)
how = nearly(grid=st.integers(1, 5) | anything, label=st.sampled_from(["red", "good", "low"]) | anything)
size = st.integers(-2, 4) | st.integers() | anything
parameters = nearly(binary_data_size=st.integers(-1, 300) | anything, binary_data=st.booleans() | anything)
encoded = nearly(
    name=st.sampled_from(["image", "text", "audio"]) | anything,
    datatype=st.just("BYTES") | anything,
    shape=st.just([1]) | st.lists(size, max_size=5),
    data=st.lists(text, max_size=3) | anything,
    parameters=st.none() | parameters,
)
pixels = nearly(
    name=st.just("pixels"),
    datatype=st.just("UINT8") | anything,
    shape=st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3), st.just(3)) | st.lists(size, max_size=5),
    data=st.lists(st.integers(0, 255) | anything, max_size=30) | anything,
    parameters=st.none() | parameters,
)
v2_request = nearly(
    id=st.text() | anything,
    inputs=st.lists(encoded | pixels, min_size=1, max_size=1) | st.lists(encoded | pixels, max_size=3) | anything,
    outputs=st.none()
    | st.lists(nearly(name=st.sampled_from(["label", "probabilities"]), parameters=parameters), max_size=3),
    parameters=st.none() | nearly(binary_data_output=st.booleans() | anything) | asked,
)
header_value = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=20)


@pytest.fixture(scope="module", params=SERVED)
def client(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a served model of each modality in turn."""
    write, instance = SERVED[request.param]
    folder: Path = tmp_path_factory.mktemp("fuzz")
    digest = write(folder / "artifact")
    with predictor((folder / "artifact").as_uri(), digest, folder, LIMITS) as process:
        process.wait_ready()
        yield process.client
        assert process.client.post(V1, json={"instances": [instance]}).status_code == 200
        assert "Traceback" not in process.log.read_text()


def check(response: httpx.Response) -> None:
    """The answer is whole, or a refusal with a sentence."""
    if response.status_code == 200:
        assert response.content
        return
    assert 400 <= response.status_code < 500, (response.status_code, response.text)
    assert len(response.json()["error"]) > 15


@FUZZ
@given(v1_request)
def test_version_1(client: httpx.Client, request_body: Any) -> None:
    check(client.post(V1, content=json.dumps(request_body)))


@FUZZ
@given(v1_request, how, st.sampled_from(["", "?grid=2", "?top_k=1", "?label=red", "?grid=x", "?overlay=true"]))
def test_explanations(client: httpx.Client, request_body: Any, parameters: Any, query: str) -> None:
    body = request_body | {"parameters": parameters} if isinstance(request_body, dict) else request_body
    check(client.post(EXPLAIN + query, content=json.dumps(body)))


@FUZZ
@given(v2_request)
def test_version_2(client: httpx.Client, request_body: Any) -> None:
    check(client.post(V2, content=json.dumps(request_body)))


@FUZZ
@given(v2_request, st.binary(max_size=60), st.integers(-3, 3) | st.integers() | header_value)
def test_version_2_binary(client: httpx.Client, request_body: Any, tail: bytes, shift: int | str) -> None:
    document = json.dumps(request_body).encode()
    length = str(len(document) + shift) if isinstance(shift, int) else shift
    check(client.post(V2, content=document + tail, headers={"Inference-Header-Content-Length": length}))


@FUZZ
@given(
    st.sampled_from([V1, V2, EXPLAIN]),
    st.binary(max_size=200),
    st.sampled_from(
        ["", "image/png", "text/plain", "text/plain;charset=utf-16", "audio/wav", "application/octet-stream"]
    ),
)
def test_any_bytes(client: httpx.Client, path: str, body: bytes, content_type: str) -> None:
    check(client.post(path, content=body, headers={"Content-Type": content_type}))


@FUZZ
@given(
    st.sampled_from([V1, V2]),
    st.dictionaries(
        st.sampled_from(["ce-id", "ce-source", "ce-type", "ce-specversion", "ce-time", "content-encoding", "accept"]),
        st.just("1.0") | header_value,
    ),
    st.sampled_from(
        ["application/json", "application/cloudevents+json", "application/octet-stream", "multipart/form-data"]
    ),
    v1_request | nearly(id=text, source=text, type=text, specversion=st.just("1.0"), time=text, data=v1_request),
)
def test_cloud_events_and_headers(
    client: httpx.Client, path: str, headers: dict[str, str], content_type: str, request_body: Any
) -> None:
    check(client.post(path, content=json.dumps(request_body), headers={**headers, "content-type": content_type}))


@FUZZ
@given(st.sampled_from(["GET", "POST", "PUT", "DELETE", "OPTIONS"]), st.lists(st.text(max_size=8), max_size=5))
def test_any_path(client: httpx.Client, method: str, parts: list[str]) -> None:
    response = client.request(method, "/v2/" + "/".join(quote(part, safe="") for part in parts), content=b"{}")
    check(response)
