"""Bodies made to hurt, sent to the real process with its real limits: refused at once, in bounded memory."""

import gzip
import io
import json
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import numpy as np
import pytest
from PIL import Image

from tests.support.colours import picture, write_artifact
from tests.support.predictor_process import MODEL, PredictorProcess, predictor
from tests.support.predictor_requests import LENGTH, V1, V2, b64, binary_request, instance, sentence
from tests.support.raw_http import forget_peak, peak_bytes, processor_seconds, resident_bytes, seconds_of

pytestmark = pytest.mark.unit
MEGABYTE = 1_000_000
AT_ONCE = 1.0
"""Seconds of the processor that a refusal takes at most; counted so, what else the machine does is left out."""
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def abused(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PredictorProcess]:
    """A predictor with the limits that it has in a cluster."""
    folder = tmp_path_factory.mktemp("abused")
    digest = write_artifact(folder / "artifact")
    with predictor((folder / "artifact").as_uri(), digest, folder) as process:
        process.wait_ready()
        process.client.post(V1, json={"instances": [instance(picture())]})
        yield process
        assert process.client.post(V1, json={"instances": [instance(picture())]}).status_code == 200
        assert "Traceback" not in process.log.read_text()


@contextmanager
def unharmed(process: PredictorProcess, megabytes: float) -> Iterator[None]:
    """Meanwhile the process answers its probes as before, and needs no more memory than this on top."""
    usual = [seconds_of(process.client, "/v2/health/ready") for _ in range(10)]
    pid, begun, ended, waits = process.process.pid, threading.Event(), threading.Event(), list[float]()
    before = resident_bytes(pid)
    forget_peak(pid)

    def probe() -> None:
        with httpx.Client(base_url=process.client.base_url, timeout=10, trust_env=False) as client:
            while not ended.is_set():
                asked = time.perf_counter()
                assert client.get("/v2/health/ready").status_code == 200
                waits.append(time.perf_counter() - asked)
                begun.set()
                time.sleep(0.005)  # a probe costs the same processor

    thread = threading.Thread(target=probe)
    thread.start()
    assert begun.wait(10)
    try:
        yield
    finally:
        ended.set()
        thread.join()
    assert max(waits) < max(AT_ONCE, 10 * max(usual))
    if len(waits) >= 50:
        assert np.median(waits) < max(0.1, 10 * float(np.median(usual)))
    more = (peak_bytes(pid) - before) / MEGABYTE
    assert more < megabytes, f"{more:.0f} MB more at the worst"


def refused(
    process: PredictorProcess,
    body: bytes,
    headers: dict[str, str] | None = None,
    path: str = V1,
    *,
    status: int = 400,
    megabytes: float = 30,
) -> str:
    """Return the sentence of a refusal that came at once."""
    with unharmed(process, megabytes):
        begun = processor_seconds(process.process.pid)
        response = process.client.post(path, content=body, headers=headers)
        took = processor_seconds(process.process.pid) - begun
    assert response.status_code == status, response.text
    assert took < AT_ONCE, f"it took {took} seconds of the processor"
    return sentence(response)


def encoded(file: str, size: tuple[int, int] = (64, 64), **options: object) -> bytes:
    """Return a picture that does not compress well."""
    pixels = np.random.default_rng(0).integers(0, 256, (*size[::-1], 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format=file, **options)
    return buffer.getvalue()


def png_of(width: int, height: int, *chunks: tuple[bytes, bytes]) -> bytes:
    """Return a PNG file whose header promises this size, of these chunks."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    written = b"\x89PNG\r\n\x1a\n"
    for name, content in ((b"IHDR", header), *chunks, (b"IEND", b"")):
        written += struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
    return written


ZEROS = zlib.compress(bytes(64 * MEGABYTE), 9)
"""A bomb: 64 MB in 64 kB."""
BOMBS = {
    "PNG": png_of(60_000, 60_000, (b"IDAT", ZEROS)),
    "PNG of one long row": png_of(2**31 - 1, 1, (b"IDAT", ZEROS)),
    "BMP": b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, 60_000, 60_000, 1, 24, 0, 0, 0, 0, 0, 0),
    "GIF": b"GIF89a" + struct.pack("<HHBBB", 65_535, 65_535, 0, 0, 0) + b",\0\0\0\0\xff\xff\xff\xff\0\x08\x01\0\0;",
    "JPEG": picture(file="JPEG").replace(struct.pack(">HH", 20, 24), struct.pack(">HH", 65_000, 65_000)),
    "TIFF": picture(file="TIFF")
    .replace(struct.pack("<HHII", 256, 4, 1, 24), struct.pack("<HHII", 256, 4, 1, 60_000))
    .replace(struct.pack("<HHII", 257, 4, 1, 20), struct.pack("<HHII", 257, 4, 1, 60_000)),
    "WEBP": b"RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\xff\xff\xff" * 2 + b"VP8 \0\0\0\0",
}


@pytest.mark.parametrize("name", BOMBS)
def test_pixel_bombs(abused: PredictorProcess, name: str) -> None:
    said = refused(abused, BOMBS[name], {"Content-Type": "image/png"})
    assert "pixels" in said or "not an image" in said or "broken" in said


def test_a_bomb_in_the_text_of_a_picture(abused: PredictorProcess) -> None:
    text = b"Comment\0\0" + zlib.compress(bytes(500 * MEGABYTE), 9)
    refused(
        abused, png_of(1, 1, *[(b"zTXt", text)] * 3, (b"IDAT", zlib.compress(bytes(4)))), {"Content-Type": "image/png"}
    )


OTHERS = {
    "FITS": b"SIMPLE  =                    T" + b" " * 50 + b"BITPIX  =                    8" + b" " * 2750,
    "PPM": b"P6 4 4 255 " + bytes(48),
    "PSD": b"8BPS\0\x01" + bytes(6) + b"\0\x03\0\0\0\x04\0\0\0\x04\0\x08\0\x03" + bytes(40),
    "PCX": b"\x0a\x05\x01\x08" + bytes(124),
    "ICO": b"\0\0\x01\0\x01\0\x10\x10\0\0\x01\0\x18\0" + bytes(100),
    "EPS": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 4 4\n(%pipe%id) (w) file\n",
    "PDF": b"%PDF-1.7\n1 0 obj\n",
    "SVG": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "ZIP": b"PK\x03\x04" + bytes(60),
    "HEIC": b"\0\0\0\x18ftypheic" + bytes(60),
    "ELF": b"\x7fELF" + bytes(60),
}


@pytest.mark.parametrize("name", OTHERS)
def test_files_of_other_formats(abused: PredictorProcess, name: str) -> None:
    assert "not an image: send one of PNG" in refused(abused, OTHERS[name], {"Content-Type": "image/png"})


@pytest.mark.parametrize("file", ["PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF"])
def test_files_that_are_cut_off(abused: PredictorProcess, file: str) -> None:
    whole = encoded(file)
    for part in (4, 20, len(whole) // 3, len(whole) * 2 // 3):
        said = refused(abused, whole[:part], {"Content-Type": f"image/{file.lower()}"})
        assert "broken" in said or "not an image" in said


PAGE = b"<html><script>alert(document.domain)</script></html>"


@pytest.mark.parametrize(
    "body",
    [
        encoded("JPEG", comment=PAGE),
        encoded("PNG") + PAGE,
        picture(file="GIF") + b"PK\x03\x04" + bytes(60),
        png_of(1, 1, (b"tEXt", b"Title\0" + PAGE), (b"IDAT", zlib.compress(bytes(4)))),
    ],
)
def test_a_picture_that_is_something_else_too_is_a_picture(abused: PredictorProcess, body: bytes) -> None:
    """Nothing of it comes back, and no browser takes the answer for anything but JSON."""
    response = abused.client.post(V1, content=body, headers={"Content-Type": "image/png"})
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert b"script" not in response.content


@pytest.mark.parametrize("before", [b"%PDF-1.7\n", b"PK\x03\x04", PAGE, b"\0"])
def test_a_picture_behind_something_else_is_none(abused: PredictorProcess, before: bytes) -> None:
    assert "not an image" in refused(abused, before + encoded("PNG"), {"Content-Type": "image/png"})


@pytest.mark.parametrize("path", [V1, V2, f"/v1/models/{MODEL}:explain"])
@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"instances":' + b"[" * 5_000_000, "not JSON"),
        (b'{"inputs":' + b'{"a":' * 500_000 + b"1" + b"}" * 500_001, "not JSON"),
        (b'{"instances": [NaN]}', "not JSON"),
        (b'{"inputs": [{"shape": [Infinity]}]}', "not JSON"),
        (b'{"instances": [1e999]}', ""),
        (b'{"instances": [' + b"9" * 1_000_000 + b"]}", ""),
        (b'{"instances": "' + b"\\u0041" * 1_000_000, "not JSON"),
    ],
)
def test_json_made_to_hurt(abused: PredictorProcess, path: str, body: bytes, said: str) -> None:
    assert said in refused(abused, body, JSON, path, megabytes=60)


def test_millions_of_numbers(abused: PredictorProcess) -> None:
    numbers = b"0," * 25_000_000 + b"0"
    body = b'{"inputs": [{"name": "pixels", "datatype": "UINT8", "shape": [1, 9, 9, 3], "data": [' + numbers + b"]}]}"
    assert "Send pixels in binary form" in refused(abused, body, JSON, V2, status=413, megabytes=170)
    event = {"ce-id": "1", "ce-source": "test", "ce-type": "image", "ce-specversion": "1.0"}
    refused(abused, b'{"instances": [' + numbers + b"]}", event, status=413, megabytes=170)


def test_as_many_objects_as_may_be(abused: PredictorProcess) -> None:
    """The most memory that JSON takes in relation to its length."""
    body = b'{"instances": [' + b'{"a":1},' * 990_000 + b"{}]}"
    refused(abused, body, JSON, status=413, megabytes=330)


def test_a_sample_that_is_mostly_white_space(abused: PredictorProcess) -> None:
    body = b'{"instances": [{"image": {"b64": "' + b"A " * 13_000_000 + b'"}}]}'
    refused(abused, body, JSON, megabytes=170)


@pytest.mark.parametrize(
    "make",
    [
        lambda: {"name": "x" * MEGABYTE},
        lambda: {"name": [0] * 999_000},
        lambda: {"name": "image", "datatype": ["x"] * 999_000},
        lambda: {"name": "image", "datatype": "BYTES", "shape": [1] * 999_000, "data": []},
        lambda: {"name": "image", "datatype": "BYTES", "shape": [10**15], "data": []},
        lambda: {"name": "pixels", "datatype": "UINT8", "shape": [1, 2**31, 2**31, 3], "data": []},
        lambda: {
            "name": "image",
            "datatype": "BYTES",
            "shape": [1],
            "parameters": {"binary_data_size": "9" * MEGABYTE},
        },
    ],
)
def test_inputs_that_are_far_too_much(abused: PredictorProcess, make: Callable[[], dict[str, object]]) -> None:
    body = json.dumps({"inputs": [make()]}).encode()
    response = abused.client.post(V2, content=body)
    assert response.status_code in (400, 413)
    assert len(sentence(response)) < 400
    refused(abused, body, JSON, V2, status=response.status_code, megabytes=120)


def test_binary_data_that_promises_more_than_it_has(abused: PredictorProcess) -> None:
    document = {"name": "pixels", "datatype": "UINT8", "shape": [256, 7000, 7000, 3]}
    body = json.dumps({"inputs": [document | {"parameters": {"binary_data_size": 3}}]}).encode()
    refused(abused, body + b"abc", {LENGTH: str(len(body))}, V2)
    whole, headers = binary_request([picture()] * 3)
    length = int(headers[LENGTH])
    refused(abused, whole[:length] + b"\xff" * (len(whole) - length), headers, V2)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, gzip", "x" * 1000])
def test_packed_bodies(abused: PredictorProcess, encoding: str) -> None:
    bomb = gzip.compress(bytes(20 * MEGABYTE))
    assert "send it as it is" in refused(abused, bomb, {"Content-Encoding": encoding}, status=415)


def test_a_body_without_end(abused: PredictorProcess) -> None:
    """It is refused where it is above the limit; and what comes after is thrown away, and not for long."""
    sent = 0

    def chunks() -> Iterator[bytes]:
        nonlocal sent
        while True:
            yield bytes(MEGABYTE)
            sent += 1

    with unharmed(abused, 170), httpx.Client(base_url=abused.client.base_url, timeout=10, trust_env=False) as client:
        begun = time.perf_counter()
        try:
            status = client.post(V1, content=chunks()).status_code
        except httpx.TransportError:
            status = 413  # the server hung up on a client that would not stop
        assert status == 413
        assert time.perf_counter() - begun < 10
    assert 64 <= sent < 120, "megabytes"


def test_a_body_that_says_that_it_is_too_large(abused: PredictorProcess) -> None:
    response = abused.client.post(V1, content=b" " * (64 * MEGABYTE + 1))
    assert response.status_code == 413
    assert "above 64000000 bytes" in sentence(response)


def test_large_bodies_together_are_bounded_and_small_ones_are_answered_beside_them(abused: PredictorProcess) -> None:
    filled, release = threading.Semaphore(0), threading.Event()
    statuses: list[int] = []

    def send() -> None:
        def chunks() -> Iterator[bytes]:
            try:
                for _ in range(50):
                    yield b" " * MEGABYTE
            finally:
                filled.release()
            release.wait(10)

        with httpx.Client(base_url=abused.client.base_url, timeout=30, trust_env=False) as client:
            try:
                statuses.append(client.post(V1, content=chunks()).status_code)
            except httpx.TransportError:
                statuses.append(429)

    threads = [threading.Thread(target=send) for _ in range(6)]
    with unharmed(abused, 330):
        for thread in threads:
            thread.start()
        for _ in threads:
            filled.acquire(timeout=10)
        assert abused.client.post(V1, json={"instances": [instance(picture())]}).status_code == 200
        release.set()
        for thread in threads:
            thread.join()
    assert sorted(set(statuses)) == [400, 429]
    # All of it is given back.
    response = abused.client.post(V1, content=b" " * (60 * MEGABYTE))
    assert response.status_code == 400


@pytest.mark.parametrize(
    "name", ["..%2f..%2fetc%2fpasswd", "%00", "x" * 5000, "<script>", "colours%20", "%F0%9F%90%B1"]
)
def test_models_that_are_not_there(abused: PredictorProcess, name: str) -> None:
    for path in (f"/v1/models/{name}:predict", f"/v2/models/{name}/infer", f"/v2/models/{MODEL}/versions/{name}/infer"):
        response = abused.client.post(path, content=b"{}")
        assert response.status_code == 404
        assert len(sentence(response)) < 400
        assert response.headers["content-type"] == "application/json"


def test_refused_bodies_are_forgotten(abused: PredictorProcess) -> None:
    """A hundred of them, more than a gigabyte in all, leave little but what the allocator keeps for the next."""
    body = b'{"instances": [{"image": {"b64": "' + b64(bytes(3 * MEGABYTE)).encode() + b'"}}]}'
    for _ in range(10):
        abused.client.post(V1, content=body)
    before = resident_bytes(abused.process.pid)
    for _ in range(100):
        assert abused.client.post(V1, content=body).status_code == 400
    assert resident_bytes(abused.process.pid) - before < 150 * MEGABYTE
