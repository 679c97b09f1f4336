"""The real process over gRPC, asked by KServe's own client and by messages that no client would send."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import numpy as np
import pytest
from kserve import InferenceGRPCClient, InferInput, InferRequest
from kserve.protocol.grpc import grpc_predict_v2_pb2 as theirs
from transfermodel_predictor.grpc import messages

from tests.support.colours import LABELS, picture, write_artifact
from tests.support.predictor_process import MODEL, VERSION, PredictorProcess, free_port, predictor
from tests.support.predictor_requests import COLOURS
from tests.support.predictor_texts import write_text_artifact
from tests.support.waiting import wait_for

pytestmark = pytest.mark.unit
LIMITS = {"TRANSFERMODEL_MAX_BODY_BYTES": "2000000", "TRANSFERMODEL_MAX_SAMPLE_BYTES": "500000"}
PATH = "/inference.GRPCInferenceService/"
Served = tuple[PredictorProcess, str, str]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A predictor that speaks gRPC too, its address for that, and the digest that it serves."""
    folder = tmp_path_factory.mktemp("grpc")
    digest = write_artifact(folder / "artifact")
    port = free_port()
    environment = LIMITS | {
        "TRANSFERMODEL_GRPC_PORT": str(port),
        "TRANSFERMODEL_LOG_FORMAT": "json",
        "TRANSFERMODEL_ACCESS_LOG": "true",
    }
    with predictor((folder / "artifact").as_uri(), digest, folder, environment) as process:
        process.wait_ready()
        address = f"127.0.0.1:{port}"
        with grpc.insecure_channel(address) as channel:
            grpc.channel_ready_future(channel).result(timeout=30)
        yield process, address, digest
    assert process.process.returncode == 0, process.log.read_text()


@pytest.fixture
async def client(served: Served) -> AsyncIterator[InferenceGRPCClient]:
    """KServe's own."""
    async with InferenceGRPCClient(served[1], retries=0) as client:
        yield client


@pytest.fixture
async def channel(served: Served) -> AsyncIterator[grpc.aio.Channel]:
    """For messages of our own."""
    async with grpc.aio.insecure_channel(served[1]) as channel:
        yield channel


async def call(channel: grpc.aio.Channel, method: str, body: bytes, **options: Any) -> bytes:
    """Return a method's answer as bytes."""
    ask: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(PATH + method)
    return await ask(body, **options)


async def refused(channel: grpc.aio.Channel, message: messages.ModelInferRequest) -> grpc.aio.AioRpcError:
    """Return how a request is refused."""
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call(channel, "ModelInfer", message.SerializeToString())
    return raised.value


def asked(**fields: Any) -> messages.ModelInferRequest:
    """Return a request for one picture, with other fields where they are given."""
    image = {"name": "image", "datatype": "BYTES", "shape": [1], "contents": {"bytes_contents": [picture()]}}
    return messages.ModelInferRequest(**{"model_name": MODEL, "inputs": [image], **fields})


async def test_kserve_client_asks_what_is_there(client: InferenceGRPCClient) -> None:
    assert await client.is_server_live()
    assert await client.is_server_ready()
    assert await client.is_model_ready(MODEL)
    with pytest.raises(grpc.RpcError) as raised:
        await client.is_model_ready("other")
    assert raised.value.code() is grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize("raw", [True, False])
async def test_kserve_client_gets_predictions(client: InferenceGRPCClient, served: Served, raw: bool) -> None:
    names = ["blue", "red", "green"]
    given = InferInput("image", [3], "BYTES")
    pictures = [picture(COLOURS[name]) for name in names]
    if raw:
        given.set_data_from_numpy(np.array(pictures, object))
    else:  # its numpy way takes texts alone
        given.data = pictures
    answer = await client.infer(InferRequest(MODEL, [given], request_id="mine"))
    outputs = {output.name: output for output in answer.outputs}
    assert [value.decode() for value in outputs["label"].as_numpy().tolist()] == names
    shares = outputs["probabilities"].as_numpy()
    assert shares.shape == (3, 3)
    assert np.allclose(shares.sum(1), 1, atol=1e-5)
    assert [LABELS[index] for index in shares.argmax(1)] == names
    assert (answer.id, answer.model_name, answer.model_version) == ("mine", MODEL, VERSION)
    assert answer.parameters["digest"].string_param == served[2]


@pytest.mark.parametrize("raw", [True, False])
async def test_pixels_are_answered_as_over_http(client: InferenceGRPCClient, served: Served, raw: bool) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 20, 30, 3), np.uint8)
    given = InferInput("pixels", list(pixels.shape), "UINT8")
    given.set_data_from_numpy(pixels, binary_data=raw)
    answer = await client.infer(InferRequest(MODEL, [given]))
    document = {"name": "pixels", "shape": list(pixels.shape), "datatype": "UINT8", "data": pixels.tolist()}
    over_http = served[0].client.post(f"/v2/models/{MODEL}/infer", json={"inputs": [document]}).json()
    expected = next(output for output in over_http["outputs"] if output["name"] == "probabilities")
    shares = next(output for output in answer.outputs if output.name == "probabilities").as_numpy()
    np.testing.assert_allclose(shares.ravel(), expected["data"], atol=1e-7)


async def test_texts_are_raw_strings(tmp_path: Path) -> None:
    digest = write_text_artifact(tmp_path / "artifact")
    port = free_port()
    environment = {"TRANSFERMODEL_GRPC_PORT": str(port)}
    with predictor((tmp_path / "artifact").as_uri(), digest, tmp_path, environment) as process:
        process.wait_ready()
        given = InferInput("text", [1], "BYTES", data=[b"lovely"])
        async with InferenceGRPCClient(f"127.0.0.1:{port}", retries=5) as client:
            answer = await client.infer(InferRequest(MODEL, [given]))
    assert next(output for output in answer.outputs if output.name == "label").data == [b"good"]


async def test_metadata_says_what_the_model_takes(channel: grpc.aio.Channel) -> None:
    body = messages.ModelMetadataRequest(name=MODEL, version=VERSION).SerializeToString()
    told = theirs.ModelMetadataResponse.FromString(await call(channel, "ModelMetadata", body))
    assert (told.name, list(told.versions), told.platform) == (MODEL, [VERSION], "onnxruntime_onnx")
    assert {tensor.name: list(tensor.shape) for tensor in told.inputs} == {"image": [-1], "pixels": [-1, -1, -1, 3]}
    assert {tensor.name: tensor.datatype for tensor in told.outputs} == {"label": "BYTES", "probabilities": "FP32"}
    server = theirs.ServerMetadataResponse.FromString(await call(channel, "ServerMetadata", b""))
    assert server.name == "transfermodel-predictor"


async def test_outputs_and_the_most_probable_labels_can_be_chosen(channel: grpc.aio.Channel) -> None:
    wanted = asked(parameters={"top_k": {"int64_param": 2}}, outputs=[{"name": "top_labels"}])
    answer = theirs.ModelInferResponse.FromString(await call(channel, "ModelInfer", wanted.SerializeToString()))
    (output,) = answer.outputs
    assert (output.name, list(output.shape), output.contents.bytes_contents[0]) == ("top_labels", [1, 2], b"red")


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"model_name": "other"}, "NOT_FOUND", "There is no model 'other' here; the model is 'colours'."),
        ({"model_version": "v9"}, "NOT_FOUND", "There is no version 'v9' of 'colours' here"),
        ({"inputs": []}, "INVALID_ARGUMENT", "'inputs' must be a list of exactly one input"),
        (
            {"raw_input_contents": [b"", b""]},
            "INVALID_ARGUMENT",
            "1 inputs and 2 raw_input_contents; send one for each",
        ),
        ({"raw_input_contents": [b"x"]}, "INVALID_ARGUMENT", "'image' has both contents and raw_input_contents"),
        ({"outputs": [{"name": "logits"}]}, "INVALID_ARGUMENT", "asks for 'logits'; this model answers with"),
        ({"parameters": {"top_k": {"int64_param": 0}}}, "INVALID_ARGUMENT", "The parameter 'top_k' is 0"),
        ({"parameters": {"top_k": {}}}, "INVALID_ARGUMENT", "The parameter 'top_k' has no value"),
    ],
)
async def test_what_is_refused_has_a_status_and_a_sentence(
    channel: grpc.aio.Channel, fields: dict[str, Any], status: str, said: str
) -> None:
    error = await refused(channel, asked(**fields))
    assert error.code().name == status
    assert said in (error.details() or "")


@pytest.mark.parametrize(
    ("tensor", "said"),
    [
        ({"name": "logits"}, "inputs[0] has the name 'logits'; this model takes 'image' (BYTES [N])"),
        ({"datatype": "FP32"}, "The input 'image' has the datatype 'FP32'; BYTES is needed."),
        ({"shape": [2]}, "The input 'image' has the shape [2], but 1 bytes_contents."),
        ({"shape": [-1]}, "The input 'image' has the shape [-1], but 1 bytes_contents."),
        ({"shape": [1, -1]}, "must be a list of whole numbers: [N]"),
        ({"shape": [1, 2]}, "The input 'image' has the shape [1, 2]; [N] is needed."),
        ({"shape": []}, "The input 'image' has the shape []; [N] is needed."),
        ({"contents": {"uint_contents": [1]}}, "has uint_contents; bytes_contents is needed for BYTES."),
        ({"contents": {"bytes_contents": [b"no image"]}}, "image[0]: "),
        ({"contents": {"bytes_contents": [b"x" * 500_001]}}, "image[0] has 500001 bytes; at most 500000 are accepted."),
        (
            {"name": "pixels", "datatype": "UINT8", "shape": [1, 1, 1, 3], "contents": {"uint_contents": [1, 2, 256]}},
            "The uint_contents of input 'pixels' must be whole numbers from 0 to 255.",
        ),
        (
            {"name": "pixels", "datatype": "UINT8", "shape": [1, 1, 2, 3], "contents": {"uint_contents": [1, 2, 3]}},
            "The input 'pixels' has the shape [1, 1, 2, 3], which is 6 numbers, but 3 were sent.",
        ),
    ],
)
async def test_an_input_that_does_not_fit_is_named(
    channel: grpc.aio.Channel, tensor: dict[str, Any], said: str
) -> None:
    image = {"name": "image", "datatype": "BYTES", "shape": [1], "contents": {"bytes_contents": [picture()]}}
    error = await refused(channel, asked(inputs=[image | tensor]))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert said in (error.details() or "")


async def test_what_is_no_message_or_too_large_or_unknown_is_refused(channel: grpc.aio.Channel) -> None:
    for method, body, status, said in (
        ("ModelInfer", b"\xff\xff", "INVALID_ARGUMENT", "no ModelInferRequest of the Open Inference Protocol"),
        ("ModelInfer", b"\x00" * 2_100_000, "RESOURCE_EXHAUSTED", "larger than max"),
        ("RepositoryModelLoad", b"", "UNIMPLEMENTED", "Models cannot be loaded or unloaded here"),
        ("RepositoryModelUnload", b"", "UNIMPLEMENTED", "Models cannot be loaded or unloaded here"),
        ("ModelTrain", b"", "UNIMPLEMENTED", "Method not found"),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await call(channel, method, body)
        assert raised.value.code().name == status
        assert said in (raised.value.details() or "")


async def test_a_request_has_its_id_its_line_and_its_count(channel: grpc.aio.Channel, served: Served) -> None:
    process = served[0]
    ask: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(PATH + "ModelInfer")
    sent = ask(asked().SerializeToString(), metadata=(("x-request-id", "seen-by-grpc"),))
    await sent
    assert ("x-request-id", "seen-by-grpc") in tuple(await sent.initial_metadata())
    line = wait_for(lambda: events(process, "seen-by-grpc"), timeout_seconds=5, what="the line")[0]
    assert (line["protocol"], line["code"], line["samples"]) == ("grpc", "OK", 1)
    assert line["operation"] == "/inference.GRPCInferenceService/ModelInfer"
    assert line["requestBytes"] == len(asked().SerializeToString())
    assert 'transfermodel_requests_total{code="OK",protocol="grpc"}' in process.client.get("/metrics").text


async def test_a_client_that_goes_away_is_no_fault(channel: grpc.aio.Channel, served: Served) -> None:
    large = asked(
        inputs=[
            {
                "name": "image",
                "datatype": "BYTES",
                "shape": [200],
                "contents": {"bytes_contents": [picture(size=(999, 999))] * 200},
            }
        ]
    )
    ask: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(PATH + "ModelInfer")
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await ask(large.SerializeToString(), timeout=0.2, metadata=(("x-request-id", "impatient"),))
    assert raised.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    (line,) = wait_for(lambda: events(served[0], "impatient"), timeout_seconds=20, what="the line")
    assert (line["code"], line["reason"]) == ("CANCELLED", "ClientDisconnect")
    assert 'reason="Unexpected"' not in served[0].client.get("/metrics").text


def events(process: PredictorProcess, identifier: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in process.log.read_text().splitlines()]
    return [line for line in lines if line.get("requestId") == identifier]


async def test_a_request_in_work_is_answered_before_it_ends(tmp_path: Path) -> None:
    digest = write_artifact(tmp_path / "artifact")
    port = free_port()
    environment = {"TRANSFERMODEL_GRPC_PORT": str(port)}
    with predictor((tmp_path / "artifact").as_uri(), digest, tmp_path, environment) as process:
        process.wait_ready()
        given = InferInput("image", [60], "BYTES", data=[picture(size=(1500, 1500))] * 60)
        async with InferenceGRPCClient(f"127.0.0.1:{port}", retries=5) as client:
            await client.is_server_live()
            answer = asyncio.create_task(client.infer(InferRequest(MODEL, [given])))
            async with httpx.AsyncClient(base_url=process.client.base_url, trust_env=False) as http:
                while "transfermodel_requests_in_progress 1.0" not in (await http.get("/metrics")).text:
                    assert not answer.done(), "the request was too short to be in work"
            process.process.send_signal(signal.SIGTERM)
            assert (await answer).outputs[0].shape == [60]
        assert process.wait_end() == 0


def test_a_port_that_is_taken_is_named(served: Served, tmp_path: Path) -> None:
    digest = write_artifact(tmp_path / "artifact")
    port = served[1].rpartition(":")[2]
    environment = {"TRANSFERMODEL_GRPC_PORT": port}
    with predictor((tmp_path / "artifact").as_uri(), digest, tmp_path, environment) as process:
        assert process.wait_end() == 1
        assert f"gRPC cannot listen on port {port} of 127.0.0.1" in process.termination.read_text()
        assert "Traceback" not in process.log.read_text()


def test_it_needs_a_port_of_its_own(tmp_path: Path) -> None:
    digest = write_artifact(tmp_path / "artifact")
    environment = {"TRANSFERMODEL_GRPC_PORT": "9", "PORT": "9"}
    with predictor((tmp_path / "artifact").as_uri(), digest, tmp_path, environment) as process:
        assert process.wait_end() == 1
        assert "are both 9; gRPC needs a port of its own" in process.termination.read_text()
