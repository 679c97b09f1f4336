"""Files made to hurt, sent to the real process with its real limits: refused at once, in bounded memory."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from tests.support.abuse import MEGABYTE, refused
from tests.support.colours import picture
from tests.support.predictor_process import PredictorProcess
from tests.support.predictor_requests import V1

pytestmark = pytest.mark.unit


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
