"""The OpenAPI document and its page: they tell every path, what the model takes, and examples that work."""

import base64
import hashlib
import json
import re
import shlex
import subprocess
import sys
from html.parser import HTMLParser
from typing import Any

import httpx
import jsonschema  # type: ignore[import-untyped]
import pytest
from starlette.routing import Route
from transfermodel_predictor.application.app import application
from transfermodel_predictor.configuration import Configuration, Limits
from transfermodel_predictor.service import Service

from tests.support.colours import LABELS, picture
from tests.support.predictor_process import MODEL, VERSION, PredictorProcess
from tests.support.predictor_requests import V1, V2, b64

pytestmark = pytest.mark.unit


@pytest.fixture(params=["image", "text", "audio"])
def model(request: pytest.FixtureRequest, served: tuple[PredictorProcess, str]) -> tuple[str, PredictorProcess]:
    """A served model of each modality in turn, and its modality."""
    others = {"text": "texts", "audio": "sounds"}
    process = served[0] if request.param == "image" else request.getfixturevalue(others[request.param])
    return request.param, process


def document_of(process: PredictorProcess) -> dict[str, Any]:
    response = process.client.get("/openapi.json")
    assert response.status_code == 200
    found: dict[str, Any] = response.json()
    return found


def test_every_path_and_method_is_told(client: httpx.Client) -> None:
    service = Service(Configuration(MODEL, "s3://models/colours", "sha256:" + "0" * 64, VERSION))
    served = {
        (route.path_format, method.lower())
        for route in application(service).routes
        if isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD"}
    }
    paths = client.get("/openapi.json").json()["paths"]
    assert served == {(path, method) for path, methods in paths.items() for method in methods}


def test_ids_of_operations_differ(client: httpx.Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    identifiers = [operation["operationId"] for methods in paths.values() for operation in methods.values()]
    assert len(set(identifiers)) == len(identifiers)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", identifier) for identifier in identifiers), identifiers


def test_it_is_about_this_model(model: tuple[str, PredictorProcess]) -> None:
    modality, process = model
    document = document_of(process)
    assert (document["openapi"], document["info"]["title"]) == ("3.1.0", MODEL)
    instance = document["components"]["schemas"]["Instance"]
    assert [*instance["properties"]] == [modality]
    taken = set(document["paths"]["/v1/models/{model_name}:predict"]["post"]["requestBody"]["content"])
    assert {name.partition("/")[0] for name in taken} == {modality, "application"}
    if modality == "image":
        assert document["components"]["schemas"]["Prediction"]["properties"]["label"] == {"enum": [*LABELS]}
        # The limits of this process, not those that are usual.
        assert document["components"]["schemas"]["PredictRequest"]["properties"]["instances"]["maxItems"] == 100
        assert "Pixels" in document["components"]["schemas"]


def test_its_examples_are_valid_and_work(model: tuple[str, PredictorProcess]) -> None:
    _, process = model
    document = document_of(process)
    answered = {"PredictRequest": (V1, "PredictResponse"), "InferRequest": (V2, "InferResponse")}
    if model[0] != "audio":
        answered["ExplainRequest"] = (f"/v1/models/{MODEL}:explain", "ExplainResponse")
    for name, (path, answer) in answered.items():
        for example in document["components"]["schemas"][name]["examples"]:
            validate(document, name, example)
            response = process.client.post(path, json=example)
            assert response.status_code == 200, response.text
            validate(document, answer, response.json())


def validate(document: dict[str, Any], name: str, value: Any) -> None:
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    jsonschema.Draft202012Validator(schema).validate(value)


INVALID: list[tuple[str, Any]] = [
    ("PredictRequest", {}),
    ("PredictRequest", {"instances": []}),
    ("PredictRequest", {"instances": [{"image": "AAAA"}]}),
    ("PredictRequest", {"instances": [{"text": "AAAA"}]}),
    ("PredictRequest", {"instances": [{"image": {"b64": b64(picture())}, "more": 1}]}),
    ("PredictRequest", {"instances": [{"image": {"b64": b64(picture())}}], "parameters": {"top_k": 0}}),
    ("PredictRequest", {"instances": [{"image": {"b64": b64(picture())}}], "parameters": {"grid": 7}}),
    ("PredictRequest", {"instances": [{"image": {"b64": b64(picture())}}] * 101}),
    ("ExplainRequest", {"instances": [{"image": {"b64": b64(picture())}}], "parameters": {"grid": 15}}),
    ("ExplainRequest", {"instances": [{"image": {"b64": b64(picture())}}], "parameters": {"label": "violet"}}),
    ("InferRequest", {"inputs": []}),
    ("InferRequest", {"inputs": [{"name": "text", "datatype": "BYTES", "shape": [1], "data": ["a"]}]}),
    ("InferRequest", {"inputs": [{"name": "pixels", "datatype": "UINT8", "shape": [1, 1, 1, 3], "data": [1, 2, 256]}]}),
    ("InferRequest", {"inputs": [{"name": "image", "datatype": "BYTES", "shape": [0], "data": []}]}),
]


@pytest.mark.parametrize(("name", "body"), INVALID)
def test_what_its_schemas_forbid_is_refused(client: httpx.Client, name: str, body: Any) -> None:
    with pytest.raises(jsonschema.ValidationError):
        validate(client.get("/openapi.json").json(), name, body)
    paths = {"PredictRequest": V1, "ExplainRequest": f"/v1/models/{MODEL}:explain", "InferRequest": V2}
    assert client.post(paths[name], json=body).status_code in (400, 413)


def test_its_limits_are_those_of_the_code(client: httpx.Client, texts: PredictorProcess) -> None:
    sample = client.get("/openapi.json").json()["components"]["schemas"]["Instance"]["properties"]["image"]
    assert sample["properties"]["b64"]["maxLength"] == (100_000 + 2) // 3 * 4
    text = document_of(texts)["components"]["schemas"]["Instance"]["properties"]["text"]
    assert text["maxLength"] == 40_000 != Limits().text_characters


class Page(HTMLParser):
    """What a browser would fetch or run, and what it would show as commands."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.inside = ""
        self.style = ""
        self.commands: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.inside = tag
        self.addresses += [value or "" for name, value in attributes if name in ("src", "href", "action", "data")]
        assert not any(name.startswith("on") or name == "style" for name, _ in attributes)

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside == "style":
            self.style += data
        if self.inside == "pre" and data.startswith("curl"):
            self.commands.append(data)


def test_the_page_needs_nothing_else(model: tuple[str, PredictorProcess]) -> None:
    response = model[1].client.get("/docs")
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    page = Page()
    page.feed(response.text)
    assert not page.tags & {"script", "link", "img", "iframe", "object", "form"}
    assert page.addresses == ["/openapi.json"]
    digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
    policy = response.headers["content-security-policy"]
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}';")
    for path in model[1].client.get("/openapi.json").json()["paths"]:
        assert path.replace("{model_name}", MODEL).replace("{model_version}", VERSION) in response.text


def test_the_commands_of_the_page_work(model: tuple[str, PredictorProcess], tmp_path: Any) -> None:
    modality, process = model
    (tmp_path / "image.png").write_bytes(picture())
    if modality == "audio":
        from tests.support.predictor_sounds import encode, tone

        (tmp_path / "recording.wav").write_bytes(encode(tone()))
    page = Page()
    page.feed(process.client.get("/docs").text)
    assert len(page.commands) == 4
    for command in page.commands:
        words = [*shlex.split(command), "-sS", "--noproxy", "*"]
        answer = json.loads(subprocess.run(words, cwd=tmp_path, capture_output=True, check=True, timeout=30).stdout)
        assert "error" not in answer, (command, answer)


def test_a_host_that_is_none_is_not_shown(client: httpx.Client) -> None:
    for host in ("<script>", "x; rm -rf .", "x'y", "$(id)"):
        response = client.get("/docs", headers={"Host": host})
        assert host not in response.text
        assert "http://localhost:8080/v1/models/" in response.text


def test_nothing_of_it_is_imported_before_it_is_asked_for() -> None:
    program = (
        "import sys; import transfermodel_predictor.server; "
        "print([name for name in sys.modules if name.startswith(('transfermodel_predictor.protocol.openapi', "
        "'transfermodel_predictor.explanation', 'wave', 'cloudevents'))])"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert found.strip() == "[]"
