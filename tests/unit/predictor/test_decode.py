"""Images from strangers: what is let in, and that nothing else costs more than a sentence."""

import io
import struct
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from transfermodel_predictor.inference.decode import UnreadableImage, decode_image, to_rgb, upright

from tests.support.colours import picture

pytestmark = pytest.mark.unit


def encode(image: Image.Image, file: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format=file, **options)
    return buffer.getvalue()


def png_bomb(width: int, height: int) -> bytes:
    """A few bytes of PNG that promise width x height pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("file", ["PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF"])
def test_every_format_of_the_list_is_read(file: str) -> None:
    image = decode_image(picture((220, 20, 20), (24, 20), file))
    assert (image.mode, image.size) == ("RGB", (24, 20))
    assert np.abs(np.asarray(image, np.int32) - (220, 20, 20)).max() <= 6


@pytest.mark.parametrize("file", ["PPM", "TGA", "ICO", "EPS", "PDF", "PCX", "JPEG2000"])
def test_what_pillow_could_read_otherwise_is_not(file: str) -> None:
    with pytest.raises(UnreadableImage, match="not an image: send one of PNG, JPEG"):
        decode_image(encode(Image.new("RGB", (32, 32), (1, 2, 3)), file))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    file = "TIFF" if mode == "CMYK" else "PNG"
    colour = {"I;16": 51400, "1": 1}.get(mode, 200)
    image = Image.new(mode, (8, 8), colour) if mode in ("I;16", "1") else Image.new("L", (8, 8), 200).convert(mode)
    decoded = decode_image(encode(image, file))
    assert decoded.mode == "RGB"
    expected = 255 if mode == "1" else 200
    assert np.abs(np.asarray(decoded, np.int32) - expected).max() <= 2


def test_sixteen_bit_grey_is_scaled_not_cut() -> None:
    ramp = np.linspace(0, 65535, 16, dtype=np.uint16).reshape(4, 4)
    decoded = np.asarray(decode_image(encode(Image.fromarray(ramp), "PNG")))[..., 0]
    assert np.abs(decoded.astype(int) - np.round(ramp / 257)).max() <= 1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_of_cameras_is_applied(orientation: int) -> None:
    pixels = np.zeros((8, 16, 3), np.uint8)
    pixels[:, :8] = (255, 0, 0)
    exif = Image.Exif()
    exif[0x0112] = orientation
    decoded = decode_image(encode(Image.fromarray(pixels), "PNG", exif=exif))
    assert decoded.size == ((8, 16) if orientation > 4 else (16, 8))
    corner = decoded.getpixel((0, 0))
    assert isinstance(corner, tuple)
    assert (corner[0] == 255) == (orientation in (1, 4, 5, 6))


def test_an_image_that_is_upright_rgb_is_not_copied() -> None:
    with Image.open(io.BytesIO(picture(file="JPEG"))) as image:
        assert to_rgb(upright(image)) is image


@pytest.mark.parametrize(
    ("size", "least", "decoded"),
    [
        ((640, 480), (160, 120), (160, 120)),
        ((640, 480), (80, 60), (80, 60)),
        ((640, 480), (10, 10), (80, 60)),  # libjpeg can do no less than an eighth
        ((640, 480), (161, 120), (320, 240)),
        ((640, 480), (160, 121), (320, 240)),
        ((641, 480), (160, 120), (641, 480)),  # half a pixel would stretch the rest
        ((644, 484), (100, 100), (161, 121)),
        ((640, 480), (641, 481), (640, 480)),
    ],
)
def test_a_jpeg_file_is_decoded_no_larger_than_it_must_be(
    size: tuple[int, int], least: tuple[int, int], decoded: tuple[int, int]
) -> None:
    def asked(found: tuple[int, int]) -> tuple[int, int]:
        assert found == size
        return least

    assert decode_image(picture(size=size, file="JPEG"), least=asked).size == decoded
    for file in ("PNG", "WEBP"):
        assert decode_image(picture(size=size, file=file), least=asked).size == size


def test_the_limit_of_pixels_is_that_of_the_file_not_of_what_is_decoded() -> None:
    with pytest.raises(UnreadableImage, match="640 x 480 pixels"):
        decode_image(picture(size=(640, 480), file="JPEG"), pixel_limit=100_000, least=lambda _: (80, 60))


def test_decoding_leaves_the_filters_of_warnings_alone() -> None:
    before = list(warnings.filters)
    exif = b"Exif\0\0MM\0*\0\0\0\x08\xff\xff"  # promises more than it has: Pillow warns
    data = encode(Image.new("RGB", (8, 8)), "JPEG", exif=exif)
    with ThreadPoolExecutor(8) as pool:
        for image in pool.map(decode_image, [data] * 200):
            assert image.size == (8, 8)
    assert warnings.filters == before


def test_of_an_animation_the_first_frame_counts() -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ((255, 0, 0), (0, 0, 255))]
    for file in ("GIF", "WEBP"):
        data = encode(frames[0], file, save_all=True, append_images=frames[1:])
        assert np.abs(np.asarray(decode_image(data), np.int32) - (255, 0, 0)).max() <= 4


@pytest.mark.parametrize("size", [(100_000, 100_000), (7072, 7072), (65_501, 1), (1, 2_000_000_000)])
def test_a_bomb_is_refused_by_its_header(size: tuple[int, int]) -> None:
    with pytest.raises(UnreadableImage, match="pixels"):
        decode_image(png_bomb(*size))


def test_the_limit_of_pixels_can_be_set() -> None:
    assert decode_image(picture(size=(10, 10)), pixel_limit=100)
    with pytest.raises(UnreadableImage, match="at most 99"):
        decode_image(picture(size=(10, 10)), pixel_limit=99)


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"\xff\xd8\xff\xe0", b"II*\0\xff\xff\xff\xff"]
)
def test_what_is_no_image_gets_a_sentence(data: bytes) -> None:
    with pytest.raises(UnreadableImage, match=r"\.$"):
        decode_image(data)


@pytest.mark.parametrize("file", ["PNG", "JPEG", "WEBP", "GIF", "TIFF"])
def test_an_image_cut_off_gets_a_sentence(file: str) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))
    data = encode(noise, file)
    with pytest.raises(UnreadableImage):
        decode_image(data[: len(data) // 2])


@given(
    st.sampled_from(["PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF"]),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=8),
)
def test_broken_bytes_are_an_image_or_a_sentence(file: str, changes: list[tuple[float, int]]) -> None:
    data = bytearray(picture(size=(9, 7), file=file))
    for place, value in changes:
        data[int(place * len(data))] = value
    with suppress(UnreadableImage):
        assert decode_image(bytes(data), pixel_limit=1_000_000).mode == "RGB"
