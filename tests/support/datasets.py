"""Small labelled images, made on the fly: coloured shapes that a network learns in seconds."""

import io
import tarfile
import zipfile
from collections.abc import Mapping

import numpy as np
from PIL import Image

Files = Mapping[str, bytes]
"""File name below the data's folder -> content."""

COLOURS = {"red": (220, 40, 40), "green": (40, 200, 60), "blue": (50, 70, 220), "grey": (128, 128, 128)}


def picture(colour: str, index: int, size: int = 32) -> bytes:
    """Return a PNG of size x size pixels: noise around one colour, different for each index."""
    generator = np.random.default_rng([index, *COLOURS[colour]])
    noise = generator.normal(0, 30, (size, size, 3))
    pixels = np.clip(np.array(COLOURS[colour]) + noise, 0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    return buffer.getvalue()


def folder(
    classes: tuple[str, ...] = ("blue", "green", "red"), per_class: int = 12, first: int = 0
) -> dict[str, bytes]:
    """Return one sub-folder per class with `per_class` images each."""
    return {
        f"{colour}/{index:03}.png": picture(colour, index)
        for colour in classes
        for index in range(first, first + per_class)
    }


def tar(files: Files, *, compression: str = "") -> bytes:
    """Return the files as a .tar ("") or .tar.gz ("gz")."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz" if compression == "gz" else "w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def tar_with_link(files: Files) -> bytes:
    """Return a .tar that also holds a symbolic link out of it."""
    buffer = io.BytesIO(tar(files))
    with tarfile.open(fileobj=buffer, mode="a") as archive:
        link = tarfile.TarInfo("red/link.png")
        link.type = tarfile.SYMTYPE
        link.linkname = "/etc/passwd"
        archive.addfile(link)
    return buffer.getvalue()


def zip_archive(files: Files) -> bytes:
    """Return the files as a .zip."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()
