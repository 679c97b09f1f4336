"""What counts as the proof that a revision serves a version."""

import base64
import io
import json

import pytest
from PIL import Image
from transfermodel_operator.plan import ProofRequest
from transfermodel_operator.proof import IMAGE, judge

pytestmark = pytest.mark.unit

ASKED = ProofRequest(revision="digits-predictor-00002", version="v2", digest="sha256:aa")


def answer(digest: str) -> bytes:
    return json.dumps({"model_name": "digits", "parameters": {"digest": digest}, "outputs": []}).encode()


def test_the_image_is_one() -> None:
    with Image.open(io.BytesIO(base64.b64decode(IMAGE))) as image:
        image.load()
        assert image.format == "PNG"


def test_the_right_digest() -> None:
    assert judge(200, answer("sha256:aa"), ASKED) is None


@pytest.mark.parametrize(
    ("code", "content", "word"),
    [
        (200, answer("sha256:bb"), "serves sha256:bb, not v2"),
        (200, b'{"outputs": []}', "without naming the digest"),
        (200, b"[]", "without naming the digest"),
        (200, b"<html>", "without naming the digest"),
        (200, b'{"parameters": null}', "without naming the digest"),
        (503, b"no healthy upstream", "HTTP 503: no healthy upstream"),
    ],
)
def test_anything_else(code: int, content: bytes, word: str) -> None:
    assert word in (judge(code, content, ASKED) or "")
