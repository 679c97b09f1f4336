"""The model in a server of kserve's own, asked by kserve's own client."""

import base64
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import pytest_asyncio
from kserve import InferenceRESTClient, InferInput, InferRequest, InferResponse, RESTConfig
from kserve.errors import InvalidInput, ModelNotReady
from kserve.protocol.grpc.grpc_predict_v2_pb2 import ModelInferRequest
from transfermodel_predictor.configuration import read_configuration
from transfermodel_predictor.kserve_model import TransferModel

from tests.support.colours import LABELS, picture, write_artifact
from tests.support.predictor_process import MODEL, VERSION, predictor

pytestmark = pytest.mark.unit

# As docs/how-to/embed.md has it, but on loopback: kserve itself listens on every address.
PROGRAM = """
import os
from kserve import ModelServer
from kserve import model_server
from transfermodel_predictor.kserve_model import TransferModel

class OnLoopback(model_server.RESTServer):
    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.config.host = "127.0.0.1"

model_server.RESTServer = OnLoopback
ModelServer(http_port=int(os.environ["PORT"]), enable_grpc=False).start([TransferModel.from_environment()])
"""


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a kserve server with the model."""
    folder = tmp_path_factory.mktemp("embedded")
    digest = write_artifact(folder / "artifact")
    uri, limits = (folder / "artifact").as_uri(), {"TRANSFERMODEL_MAX_BATCH": "4"}
    with predictor(uri, digest, folder, limits, program=("-c", PROGRAM)) as process:
        process.wait_ready()
        yield str(process.client.base_url)


@pytest_asyncio.fixture
async def client(embedded: str) -> AsyncIterator[Any]:
    """The client of kserve."""
    found = InferenceRESTClient(RESTConfig(protocol="v2", timeout=60))
    yield found
    await found.close()


def images(*pictures: bytes) -> InferInput:
    """Return images as JSON has them."""
    return InferInput("image", [len(pictures)], "BYTES", [base64.b64encode(data).decode() for data in pictures])


def outputs(answer: InferResponse) -> dict[str, list[Any]]:
    return {output.name: np.asarray(output.as_numpy()).tolist() for output in answer.outputs}


def test_version_1(embedded: str) -> None:
    body = {"instances": [{"image": {"b64": base64.b64encode(picture()).decode()}}], "parameters": {"top_k": 1}}
    answer = httpx.post(f"{embedded}/v1/models/{MODEL}:predict", json=body, trust_env=False)
    assert answer.status_code == 200, answer.text
    (prediction,) = answer.json()["predictions"]
    assert (prediction["label"], prediction["modelVersion"]) == ("red", VERSION)
    assert list(prediction["probabilities"]) == ["red"]


async def test_version_2_by_json(embedded: str, client: Any) -> None:
    request = InferRequest(MODEL, [images(picture(), picture((10, 10, 240)))], request_id="mine")
    answer = await client.infer(embedded, request, model_name=MODEL)
    assert answer.id == "mine"
    found = outputs(answer)
    assert found["label"] == ["red", "blue"]
    assert np.sum(found["probabilities"], axis=1) == pytest.approx([1, 1], abs=1e-5)


async def test_version_2_by_binary_pixels(embedded: str, client: Any) -> None:
    pixels = np.zeros((1, 20, 24, 3), np.uint8)
    pixels[..., 1] = 220
    tensor = InferInput("pixels", [1, 20, 24, 3], "UINT8")
    tensor.set_data_from_numpy(pixels, binary_data=True)
    answer = await client.infer(embedded, InferRequest(MODEL, [tensor]), model_name=MODEL)
    assert outputs(answer)["label"] == ["green"]


def test_what_it_takes_and_gives(embedded: str) -> None:
    described = httpx.get(f"{embedded}/v2/models/{MODEL}", trust_env=False).json()
    assert {entry["name"] for entry in described["inputs"]} == {"image", "pixels"}
    assert [entry["shape"] for entry in described["outputs"]] == [[-1], [-1, len(LABELS)]]


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        (
            f"/v1/models/{MODEL}:predict",
            {"instances": [{"image": {"b64": "!"}}]},
            "instances[0].image.b64 is not base64",
        ),
        (f"/v1/models/{MODEL}:predict", {"instances": [{"image": {"b64": "aGk="}}]}, "not an image"),
        (f"/v1/models/{MODEL}:predict", {"instances": [{}] * 5}, "at most 4 are accepted"),
        (
            f"/v2/models/{MODEL}/infer",
            {"inputs": [{"name": "sound", "shape": [1], "datatype": "BYTES", "data": ["x"]}]},
            "this model takes 'image'",
        ),
    ],
)
def test_what_is_wrong_is_said_in_our_sentences(embedded: str, path: str, body: dict[str, Any], said: str) -> None:
    answer = httpx.post(embedded + path, json=body, trust_env=False)
    assert answer.status_code == 400
    assert said in answer.json()["error"]


async def test_what_kserve_makes_of_a_grpc_request(tmp_path: Path) -> None:
    variables = {
        "TRANSFERMODEL_MODEL_NAME": MODEL,
        "TRANSFERMODEL_VERSION": VERSION,
        "TRANSFERMODEL_ARTIFACT_URI": (tmp_path / "artifact").as_uri(),
        "TRANSFERMODEL_ARTIFACT_DIGEST": write_artifact(tmp_path / "artifact"),
    }
    model = TransferModel(read_configuration(variables))
    message = ModelInferRequest(model_name=MODEL, id="mine")
    message.inputs.add(name="image", datatype="BYTES", shape=[1])
    message.raw_input_contents.append(len(picture()).to_bytes(4, "little") + picture())
    with pytest.raises(ModelNotReady):
        await model.predict(InferRequest.from_grpc(message))
    model.load()
    answer, _ = await model(InferRequest.from_grpc(message))
    sent = answer.to_grpc()
    assert (sent.id, sent.model_version, len(sent.raw_output_contents)) == ("mine", VERSION, 2)
    assert outputs(InferResponse.from_grpc(sent))["label"] == [b"red"]
    message.inputs[0].shape[0] = 2
    with pytest.raises(InvalidInput, match="ends before element 1 of 2"):
        await model.predict(InferRequest.from_grpc(message))
    await model.service.close()
