"""Small labelled images, texts and recordings, made on the fly: what a network learns in seconds."""

import io
import tarfile
import wave
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


TEMPLATES = {
    "weather": ("The {} brings rain to the {}.", "Wind from the {}, and clouds over the {}."),
    "kitchen": ("Stir the {} into the {}.", "Bake the {} with some {} until brown."),
    "football": ("The {} scored against the {}.", "A late goal by the {} beat the {}."),
}
WORDS = {
    "weather": ("north", "coast", "evening", "valley", "west", "hills"),
    "kitchen": ("flour", "butter", "onions", "dough", "sugar", "pepper"),
    "football": ("captain", "keeper", "guests", "striker", "champions", "defenders"),
}


def sentence(topic: str, index: int) -> str:
    """Return a sentence about the topic, different for each index."""
    templates, words = TEMPLATES[topic], WORDS[topic]
    count = len(words)
    first, second = words[index % count], words[(index // count + index + 1) % count]
    return f"{templates[index % len(templates)].format(first, second)} (No. {index})"


def texts(topics: tuple[str, ...] = tuple(TEMPLATES), per_class: int = 12, first: int = 0) -> dict[str, bytes]:
    """Return one sub-folder per topic with `per_class` sentences each, as .txt."""
    return {
        f"{topic}/{index:03}.txt": sentence(topic, index).encode()
        for topic in topics
        for index in range(first, first + per_class)
    }


def text_table(topics: tuple[str, ...] = tuple(TEMPLATES), per_class: int = 12, first: int = 0) -> bytes:
    """Return a .csv with the columns text and label, `per_class` sentences on each topic."""
    rows = [(sentence(topic, index), topic) for topic in topics for index in range(first, first + per_class)]
    return ("text,label\n" + "".join(f'"{text}",{topic}\n' for text, topic in rows)).encode()


PITCHES = {"low": 220.0, "middle": 880.0, "high": 3520.0}
"""In Hz."""


def tone(pitch: str, index: int, seconds: float = 0.5, rate: int = 16_000) -> bytes:
    """Return a .wav (mono, 16 bits) of a tone in some noise, different for each index."""
    generator = np.random.default_rng([index, int(PITCHES[pitch])])
    time = np.arange(int(seconds * rate)) / rate
    frequency = PITCHES[pitch] * generator.uniform(0.9, 1.1)
    samples = 0.5 * np.sin(2 * np.pi * frequency * time) + generator.normal(0, 0.05, len(time))
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return buffer.getvalue()


def recordings(pitches: tuple[str, ...] = tuple(PITCHES), per_class: int = 12, first: int = 0) -> dict[str, bytes]:
    """Return one sub-folder per pitch with `per_class` recordings each, as .wav."""
    return {
        f"{pitch}/{index:03}.wav": tone(pitch, index) for pitch in pitches for index in range(first, first + per_class)
    }
