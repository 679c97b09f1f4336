"""Models of texts and of recordings, served by the real process over HTTP on loopback."""

import asyncio
import json
from typing import Any

import httpx
import numpy as np
import pytest
from kserve import InferenceRESTClient, InferInput, InferRequest
from kserve.inference_client import RESTConfig

from tests.support import predictor_sounds, predictor_texts
from tests.support.colours import picture
from tests.support.predictor_process import MODEL, PredictorProcess
from tests.support.predictor_requests import (
    LENGTH,
    V1,
    V2,
    audio_input,
    b64,
    binary_request,
    image_input,
    instance,
    sentence,
    text_input,
)
from tests.support.predictor_sounds import TONES, encode, tone

pytestmark = pytest.mark.unit
TEXTS = ["a lovely film", "awful", "a dull dull dull film", "fine fine awful", "Lovely, but 日 straße"] * 7
GOOD = ["good", "bad", "bad", "bad", "bad"] * 7  # "lovely," with its comma is no word of the model's: a draw
RECORDINGS = [
    encode(tone(TONES[name], rate=rate), rate, file)
    for name, rate, file in (
        ("high", 8000, "WAV"),
        ("low", 44100, "FLAC"),
        ("low", 16000, "MP3"),
        ("high", 8000, "OGG"),
    )
]
HEARD = ["high", "low", "low", "high"]


def v1_labels(client: httpx.Client, instances: list[Any]) -> list[str]:
    response = client.post(V1, json={"instances": instances})
    assert response.status_code == 200, response.text
    return [prediction["label"] for prediction in response.json()["predictions"]]


def v2_outputs(client: httpx.Client, tensor: dict[str, Any]) -> tuple[list[str], list[float]]:
    response = client.post(V2, json={"inputs": [tensor]})
    assert response.status_code == 200, response.text
    label, probabilities = response.json()["outputs"]
    return label["data"], probabilities["data"]


def binary_outputs(client: httpx.Client, samples: list[bytes], name: str) -> tuple[list[str], list[float]]:
    body, headers = binary_request(samples, name, parameters={"binary_data_output": True})
    response = client.post(V2, content=body, headers=headers)
    assert response.status_code == 200, response.text
    length = int(response.headers[LENGTH])
    document, tail = json.loads(response.content[:length]), response.content[length:]
    split = document["outputs"][0]["parameters"]["binary_data_size"]
    labels, rest = [], tail[:split]
    while rest:
        size = int.from_bytes(rest[:4], "little")
        labels.append(rest[4 : 4 + size].decode())
        rest = rest[4 + size :]
    return labels, np.frombuffer(tail[split:], "<f4").tolist()


def kserve_labels(process: PredictorProcess, samples: list[bytes], name: str, *, binary: bool) -> list[str]:
    """Ask with kserve's own client; in JSON it writes BYTES as texts."""
    tensor = InferInput(name, [len(samples)], "BYTES")
    written = samples if binary else [sample.decode() for sample in samples]
    tensor.set_data_from_numpy(np.array(written, dtype=object), binary_data=binary)

    async def ask() -> list[str]:
        client = InferenceRESTClient(RESTConfig(protocol="v2", timeout=60))
        try:
            answer = await client.infer(str(process.client.base_url), InferRequest(MODEL, [tensor]), model_name=MODEL)
        finally:
            await client.close()
        return [str(label) for label in answer.outputs[0].as_numpy()]

    return asyncio.run(ask())


def test_texts_in_every_protocol(texts: PredictorProcess) -> None:
    client = texts.client
    assert v1_labels(client, [{"text": text} for text in TEXTS]) == GOOD
    labels, shares = v2_outputs(client, text_input(*TEXTS))
    assert labels == GOOD
    # a, lovely, film between the tokenizer's own two: 4 / 5 of a vote.
    assert shares[:2] == pytest.approx([1 / (1 + np.exp(0.8)), 1 / (1 + np.exp(-0.8))], abs=1e-5)
    encoded = [text.encode() for text in TEXTS]
    labels, binary_shares = binary_outputs(client, encoded, "text")
    assert labels == GOOD
    assert binary_shares == pytest.approx(shares, abs=1e-6)
    assert kserve_labels(texts, encoded, "text", binary=False) == GOOD
    assert kserve_labels(texts, encoded, "text", binary=True) == GOOD


def test_a_text_answers_alone_as_in_a_batch(texts: PredictorProcess) -> None:
    _, together = v2_outputs(texts.client, text_input(*TEXTS[:5]))
    alone = [share for text in TEXTS[:5] for share in v2_outputs(texts.client, text_input(text))[1]]
    assert alone == pytest.approx(together, abs=1e-6)


def test_recordings_in_every_protocol(sounds: PredictorProcess) -> None:
    client = sounds.client
    assert v1_labels(client, [{"audio": {"b64": b64(data)}} for data in RECORDINGS]) == HEARD
    labels, shares = v2_outputs(client, audio_input(*RECORDINGS))
    assert labels == HEARD
    labels, binary_shares = binary_outputs(client, RECORDINGS, "audio")
    assert labels == HEARD
    assert binary_shares == pytest.approx(shares, abs=1e-6)
    assert kserve_labels(sounds, [b64(data).encode() for data in RECORDINGS], "audio", binary=False) == HEARD
    assert kserve_labels(sounds, RECORDINGS, "audio", binary=True) == HEARD


def test_images_by_kserves_client(served: tuple[PredictorProcess, str]) -> None:
    colours = [picture((20, 20, 230)), picture()]
    assert kserve_labels(served[0], colours, "image", binary=True) == ["blue", "red"]
    assert kserve_labels(served[0], [b64(data).encode() for data in colours], "image", binary=False) == ["blue", "red"]


def test_metadata_names_what_it_takes(texts: PredictorProcess, sounds: PredictorProcess) -> None:
    for process, name, labels in ((texts, "text", predictor_texts.LABELS), (sounds, "audio", predictor_sounds.LABELS)):
        expected = [{"name": name, "datatype": "BYTES", "shape": [-1]}]
        described = process.client.get(f"/v2/models/{MODEL}").json()
        assert described["inputs"] == process.client.get(f"/v1/models/{MODEL}").json()["inputs"] == expected
        assert described["labels"] == list(labels)
        assert described["outputs"][1]["shape"] == [-1, 2]


SPOKEN = {"audio": {"b64": b64(RECORDINGS[0])}}
TEXT_EXAMPLE = '{"instances": [{"text": "<the text>"}]}'
AUDIO_EXAMPLE = '{"instances": [{"audio": {"b64": "<the audio file in base64>"}}]}'


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"instances": [instance(picture())]}, 400, "has the key 'image', but this model takes texts"),
        ({"instances": [SPOKEN]}, 400, "has the key 'audio', but this model takes texts"),
        ({"instances": [instance(picture())]}, 400, TEXT_EXAMPLE),
        (
            {"instances": ["a film"]},
            400,
            f"instances[0] is a string; an object with the key 'text' is needed: {TEXT_EXAMPLE}",
        ),
        ({"instances": [{}]}, 400, "instances[0] is empty; exactly the key 'text'"),
        ({"instances": []}, 400, "'instances' is empty: send at least one text."),
        ({"instances": [{"text": "fine"}] * 41}, 413, "has 41 texts; at most 40 are accepted at once"),
        ({"instances": [{"text": 7}]}, 400, "instances[0].text is a number; a string with the text is needed."),
        ({"instances": [{"text": {"b64": "QQ=="}}]}, 400, "instances[0].text is an object; a string with the text"),
        ({"instances": [{"text": None}]}, 400, "instances[0].text is null"),
        ({"instances": [{"text": "fine"}, {"text": " \n"}]}, 400, "instances[1].text: The text is empty"),
        ({"instances": [{"text": ""}]}, 400, "nothing in it but white space"),
        ({"instances": [{"text": "x" * 40_001}]}, 400, "has 40001 characters; at most 40000 are accepted"),
        (
            {"instances": [{"text": "日" * 20_000}]},
            413,
            "has 60000 bytes; at most 50000 are accepted. Send a shorter text",
        ),
        (
            {"inputs": [image_input(picture())]},
            400,
            "inputs[0] has the name 'image'; this model takes 'text' (BYTES [N]).",
        ),
        ({"inputs": [text_input("a", name="pixels")]}, 400, "this model takes 'text'"),
        ({"inputs": [text_input("a", datatype="UINT8")]}, 400, "datatype 'UINT8'; BYTES is needed"),
        (
            {"inputs": [text_input("a", data="a")]},
            400,
            "The data of input 'text' is a string; a list of strings is needed.",
        ),
        ({"inputs": [text_input("a", data=[1])]}, 400, "text[0] is a number; a string with the text is needed."),
        ({"inputs": [text_input("a", shape=[2])]}, 400, "has the shape [2], but 1 elements of data"),
        ({"inputs": [text_input(" ")]}, 400, "text[0]: The text is empty"),
    ],
)
def test_what_a_model_of_texts_refuses(texts: PredictorProcess, body: Any, status: int, said: str) -> None:
    response = texts.client.post(V1 if "instances" in body else V2, json=body)
    assert response.status_code == status
    assert said in sentence(response)


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"instances": [instance(picture())]}, 400, "has the key 'image', but this model takes recordings"),
        ({"instances": [{"text": "hello"}]}, 400, "has the key 'text', but this model takes recordings"),
        ({"instances": [{"text": "hello"}]}, 400, AUDIO_EXAMPLE),
        ({"instances": [{"audio": "QQ=="}]}, 400, "instances[0].audio is a string; an object with the key 'b64'"),
        ({"instances": [{"audio": {"b64": 7}}]}, 400, "is a number; a string with the audio file in base64 is needed."),
        (
            {"instances": [{"audio": {"b64": "%"}}]},
            400,
            "encode the recording file, as `base64 -w0 recording.wav` does.",
        ),
        ({"instances": []}, 400, "send at least one recording."),
        ({"instances": [SPOKEN] * 41}, 413, "has 41 recordings; at most 40"),
        ({"instances": [SPOKEN, {"audio": {"b64": ""}}]}, 400, "instances[1].audio.b64: The recording is empty"),
        (
            {"instances": [{"audio": {"b64": b64(picture())}}]},
            400,
            "The bytes are not a recording: send one of WAV, FLAC",
        ),
        (
            {"instances": [{"audio": {"b64": b64(bytes(60_000))}}]},
            413,
            "Send a shorter recording: the model hears its middle",
        ),
        (
            {"instances": [{"audio": {"b64": b64(encode(tone(seconds=3)))}}]},
            400,
            "has 24000 samples, 3.0 seconds; at most 23000",
        ),
        (
            {"inputs": [image_input(picture())]},
            400,
            "inputs[0] has the name 'image'; this model takes 'audio' (BYTES [N]).",
        ),
        ({"inputs": [audio_input(RECORDINGS[0], data=[1])]}, 400, "audio[0] is a number"),
        ({"inputs": [audio_input(RECORDINGS[0], data={})]}, 400, "a list of base64 strings is needed"),
        ({"inputs": [audio_input(RECORDINGS[0][:40])]}, 400, "audio[0]: The recording is broken"),
    ],
)
def test_what_a_model_of_recordings_refuses(sounds: PredictorProcess, body: Any, status: int, said: str) -> None:
    response = sounds.client.post(V1 if "instances" in body else V2, json=body)
    assert response.status_code == status
    assert said in sentence(response)


def test_what_a_model_of_images_says_to_a_text(client: httpx.Client) -> None:
    said = sentence(client.post(V1, json={"instances": [{"text": "hello"}]}))
    assert "has the key 'text', but this model takes images" in said
    said = sentence(client.post(V2, json={"inputs": [text_input("hello")]}))
    assert "this model takes 'image' (BYTES [N]) or 'pixels' (UINT8 [N, height, width, 3])." in said


def test_binary_texts_must_be_utf_8_and_within_the_limit(texts: PredictorProcess) -> None:
    for data, status, said in ((b"\xff", 400, "text[1]: The text is not UTF-8"), (b"x" * 50_001, 413, "at most 50000")):
        body, headers = binary_request([b"fine", data], "text")
        response = texts.client.post(V2, content=body, headers=headers)
        assert response.status_code == status
        assert said in sentence(response)


def test_control_characters_and_half_characters(texts: PredictorProcess) -> None:
    assert v1_labels(texts.client, [{"text": "lovely \0 \x07"}]) == ["good"]
    lone = b'{"instances": [{"text": "\\ud800"}]}'
    assert "not JSON" in sentence(texts.client.post(V1, content=lone))
    event = {"ce-id": "1", "ce-source": "test", "ce-type": "text", "ce-specversion": "1.0"}
    whole = {key.removeprefix("ce-"): value for key, value in event.items()}
    structured = json.dumps(whole).encode()[:-1] + b', "data": ' + lone + b"}"
    headers = {"content-type": "application/cloudevents+json"}
    assert "surrogate" in sentence(texts.client.post(V1, content=structured, headers=headers))
    response = texts.client.post(V1, json={"instances": [{"text": "lovely"}]}, headers=event)
    assert response.json()["predictions"][0]["label"] == "good"
