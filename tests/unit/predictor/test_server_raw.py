"""Bodies of `:predict` that are one sample as it is, with the real process."""

import json
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.colours import picture
from tests.support.predictor_process import PredictorProcess
from tests.support.predictor_requests import COLOURS, V1, instance, sentence
from tests.support.predictor_sounds import TONES, encode, tone

pytestmark = pytest.mark.unit
BLUE = picture(COLOURS["blue"])
FORM = "application/x-www-form-urlencoded"


def label(process: httpx.Client, body: bytes, content_type: str | None) -> str:
    """Return the one prediction's label."""
    headers = {} if content_type is None else {"Content-Type": content_type}
    response = process.post(V1, content=body, headers=headers)
    assert response.status_code == 200, response.text
    (prediction,) = response.json()["predictions"]
    return str(prediction["label"])


@pytest.mark.parametrize("file", ["PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF"])
def test_a_picture_as_it_is(client: httpx.Client, file: str) -> None:
    body = picture(COLOURS["blue"], file=file)
    for content_type in (f"image/{file.lower()}", "IMAGE/PNG; q=1", "application/octet-stream", FORM, None):
        assert label(client, body, content_type) == "blue"


def test_curl_with_and_without_a_header(served: tuple[PredictorProcess, str], tmp_path: Path) -> None:
    (tmp_path / "cat.jpg").write_bytes(picture(COLOURS["green"], file="JPEG"))
    url = str(served[0].client.base_url).rstrip("/") + V1
    for header in (["-H", "Content-Type: image/jpeg"], []):
        command = ["curl", "-sS", "--noproxy", "*", "--data-binary", "@cat.jpg", *header, url]
        answer = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True, timeout=30)
        assert json.loads(answer.stdout)["predictions"][0]["label"] == "green"
    form = ["curl", "-sS", "--noproxy", "*", "-F", "image=@cat.jpg", url]
    answer = subprocess.run(form, cwd=tmp_path, capture_output=True, check=True, timeout=30)
    assert "`curl --data-binary` sends the file itself" in json.loads(answer.stdout)["error"]


def test_recordings_as_they_are(sounds: PredictorProcess) -> None:
    high = {file: encode(tone(TONES["high"], rate=16000), 16000, file) for file in ("WAV", "FLAC", "OGG", "MP3")}
    for file, body in high.items():
        for content_type in (f"audio/{file.lower()}", "audio/x-anything", "application/octet-stream", FORM, None):
            assert label(sounds.client, body, content_type) == "high"
    assert label(sounds.client, high["OGG"], "application/ogg") == "high"


@pytest.mark.parametrize(
    ("text", "content_type", "expected"),
    [
        ("a lovely film", "text/plain", "good"),
        ("a lovely film", "text/plain; charset=UTF-8", "good"),
        ("awful", 'text/plain;charset="us-ascii"', "bad"),
        ("lovely straße", "text/plain; charset=iso-8859-1", "good"),
        ("lovely 日", "text/plain; charset=utf-16", "good"),
        ("a lovely film", "application/octet-stream", "good"),
        ('{"instances": [{"text": "awful"}]}', "application/json", "bad"),
        ('{"instances": [{"text": "awful"}]}', FORM, "bad"),
    ],
)
def test_texts_as_they_are(texts: PredictorProcess, text: str, content_type: str, expected: str) -> None:
    charset = content_type.partition("charset=")[2].strip('"') or "utf-8"
    assert label(texts.client, text.encode(charset), content_type) == expected


def test_what_looks_like_json_is_a_text_where_its_type_says_so(texts: PredictorProcess) -> None:
    """Braces around one word are no words that the model knows: it votes for neither."""
    body = b'{"instances": [{"text": "lovely"}]}'
    response = texts.client.post(V1, content=body, headers={"Content-Type": "text/plain"})
    assert response.json()["predictions"][0]["probability"] == pytest.approx(0.5)


REFUSED: list[tuple[str, str, bytes, int, str]] = [
    ("texts", "image/jpeg", BLUE, 415, "The body is 'image/jpeg'. This model takes texts: send one with the Content-"),
    ("texts", "audio/wav", b"RIFF", 415, "This model takes texts"),
    ("texts", "text/plain", b"", 400, "The body: The text is empty"),
    ("texts", "text/plain", b"\xff", 400, "The body: The text is not UTF-8"),
    ("texts", "text/plain", b"x" * 50_001, 413, "The body has 50001 bytes; at most 50000"),
    ("texts", "text/plain; charset=rot13", b"x", 415, "The charset 'rot13' is not known here"),
    ("texts", "text/plain; charset=zlib", b"x", 415, "send the text in UTF-8"),
    ("texts", "text/plain; charset=utf-16", b"\x00\xd8x", 400, "The body is not a text in utf-16"),
    ("texts", "text/html", b"<p>lovely</p>", 415, "The body is 'text/html'. This model takes texts"),
    ("texts", FORM, b"a lovely film", 400, "not JSON"),
    ("sounds", "image/png", BLUE, 415, "This model takes recordings: send one with the Content-Type 'audio/wav'"),
    ("sounds", "audio/wav", BLUE, 400, "The body: The bytes are not a recording"),
    ("sounds", "text/plain", b"lovely", 415, "The body is 'text/plain'"),
    ("sounds", "audio/wav", b"", 400, "The body: The recording is empty"),
    ("images", "text/plain", b"lovely", 415, "This model takes images"),
    ("images", "audio/wav", BLUE, 415, "This model takes images"),
    ("images", "image/png", b"", 400, "The body: The image is empty"),
    ("images", "image/png", b'{"instances": []}', 400, "The body: The bytes are not an image"),
    ("images", "application/octet-stream", b'{"instances": []}', 400, "The bytes are not an image"),
    ("images", "application/xml", b"<a/>", 415, 'or JSON: {"instances": [{"image": {"b64": '),
    ("images", "application/json", BLUE, 400, "not JSON"),
    ("images", FORM, b"image=cat", 400, "not JSON"),
]


@pytest.mark.parametrize(("model", "content_type", "body", "status", "said"), REFUSED)
def test_what_is_refused(
    request: pytest.FixtureRequest, model: str, content_type: str, body: bytes, status: int, said: str
) -> None:
    found: Any = request.getfixturevalue({"images": "served"}.get(model, model))
    process: PredictorProcess = found[0] if isinstance(found, tuple) else found
    response = process.client.post(V1, content=body, headers={"Content-Type": content_type})
    assert said in sentence(response)
    assert response.status_code == status


@pytest.mark.parametrize("content_type", ["text/json", "application/vnd.api+json", "text/html", "text/plain", FORM])
def test_json_is_json_whatever_a_program_calls_it(client: httpx.Client, content_type: str) -> None:
    body = b" \n" + json.dumps({"instances": [instance(BLUE)]}).encode()
    assert label(client, body, content_type) == "blue"
