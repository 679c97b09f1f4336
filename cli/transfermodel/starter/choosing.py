"""Defaults that suit the data: what to start from, how large the input is, and what learns."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from transfermodel.errors import UsageError
from transfermodel.modalities import AUDIO, IMAGE, TEXT
from transfermodel.starter.types import Found

BACKBONE: Final = "torchvision/resnet18"
ENCODER: Final = "sentence-transformers/all-MiniLM-L6-v2"
ENCODER_FILES: Final = ("config.json", "tokenizer.json", "model.safetensors")
ARCHIVES: Final = (".tar", ".tar.gz", ".tgz", ".zip")
WEIGHTS_HOST: Final = "https://download.pytorch.org/"
WEIGHTS_FILE: Final = "resnet18-IMAGENET1K_V1.safetensors"
"""In the trainer's cache."""
ENCODER_HOST: Final = "https://huggingface.co/"
REACH_SECONDS: Final = 3.0
SIZES: Final = ((40, 64), (80, 96), (120, 128), (176, 160))
"""Images with a shorter side below the first are scaled to the second."""
NATIVE_SIZE: Final = 224
SCRATCH_SIZES: Final = ((40, 32), (80, 64))
LARGEST_SCRATCH: Final = 96
SPECTROGRAM_SIZE: Final = 64
"""The trainer's own default."""
ENOUGH_TO_TUNE: Final = 200
"""Samples of every class from which on fine-tuning is worth its time."""
LEAST_PASSES: Final = 13_000
LEAST_EPOCHS: Final = 3
"""By how many samples Auto goes while it fine-tunes: so many, or so often through all, whichever is more."""
MOST_TUNED_PIXELS: Final = 15_000 * 128 * 128
"""Of them, in images or spectrograms: two cores take half an hour for so many."""
MOST_TUNED_CHARACTERS: Final = 15_000 * 400
"""The same in texts."""

Source = Literal["named", "file", "scratch", "model"]


@dataclass(frozen=True)
class Chosen:
    """What goes into the file."""

    source: Source
    reference: str | None
    """The weights file, or the TransferModel to start from."""
    size: int | None
    """None: the weights' own."""
    training: dict[str, Any]
    why: str
    """Of the training, in a sentence."""
    note: str | None = None
    """What the user should know about the weights."""


def choose(found: Found, *, weights: Path | None = None, scratch: bool = False, base: str | None = None) -> Chosen:
    """Return defaults for the data.

    Args:
        found: the data.
        weights: what to start from: a .safetensors file, of texts the folder or an archive of an encoder.
        scratch: start from random weights.
        base: a TransferModel to start from.

    Raises:
        UsageError: several starts were asked for, or the weights file is none.
    """
    if sum((weights is not None, scratch, base is not None)) > 1:
        raise UsageError("Only one of --weights, --scratch and --from can be the start.", "Leave out the others.")
    if base is not None:
        return Chosen("model", base, None, *_transfer(found, NATIVE_SIZE))
    if found.modality is TEXT:
        return _encoder(found, weights, scratch)
    size = _size(found)
    if weights is not None:
        _check_weights(weights)
        return Chosen("file", str(weights), size, *_transfer(found, size))
    if scratch:
        return _from_scratch(found, None)
    if not named_weights_reachable():
        return _from_scratch(
            found,
            "torchvision's weights are not here and cannot be downloaded now, so the file trains from scratch. With "
            f"pretrained weights it would need far fewer {found.modality.many}: try again with network, or give "
            "--weights FILE.",
        )
    own = found.modality is IMAGE and size == NATIVE_SIZE
    return Chosen("named", "DEFAULT", None if own else size, *_transfer(found, size))


def _encoder(found: Found, weights: Path | None, scratch: bool) -> Chosen:
    """Return defaults for texts. Raises UsageError."""
    if scratch:
        raise UsageError(
            "Nothing is learned of texts with random weights.",
            "Leave out --scratch; without network give --weights FOLDER, with a pretrained encoder.",
        )
    if weights is not None:
        _check_encoder(weights)
        return Chosen("file", str(weights), None, *_transfer(found, 0))
    note = None
    if not _answers(ENCODER_HOST):
        note = (
            f"{ENCODER_HOST} does not answer: unless the encoder was downloaded before, the file runs only with "
            "network, or with an encoder of yours: --weights FOLDER."
        )
    return Chosen("named", "DEFAULT", None, *_transfer(found, 0), note)


def _size(found: Found) -> int:
    """Return the size of the network's input."""
    if found.modality is AUDIO or found.median is None:
        return SPECTROGRAM_SIZE
    return size_of(int(found.median.value))


def size_of(side: int) -> int:
    """Return the input size for images of that side: small ones are enlarged, as the backbone shrinks them."""
    return next((size for below, size in SIZES if side < below), NATIVE_SIZE)


def named_weights_reachable() -> bool:
    """Tell whether torchvision's weights are in the trainer's cache, or their host answers."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()) / "transfermodel"
    return (cache / WEIGHTS_FILE).is_file() or _answers(WEIGHTS_HOST)


def _answers(host: str) -> bool:
    """Tell whether a host answers."""
    import httpx

    try:
        httpx.head(host, timeout=REACH_SECONDS)
    except httpx.HTTPError:
        return False
    return True


def name_of(text: str) -> str:
    """Return a TransferModel's name made of a folder's: lower-case letters, digits and '-', a letter first."""
    plain = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    plain = plain if plain[:1].isalpha() else f"model-{plain}"
    return plain[:40].strip("-") or "model"


def _check_weights(path: Path) -> None:
    if not path.is_file():
        raise UsageError(f"There is no weights file {path}.", "Check the path.")
    if path.suffix != ".safetensors":
        raise UsageError(
            f"{path} is no .safetensors file; pickled weights are never loaded.",
            "Convert it: safetensors.torch.save_file(torch.load(PATH, weights_only=True), NEW_PATH)",
        )


def _check_encoder(path: Path) -> None:
    """Raise UsageError unless it can be an encoder as Hugging Face stores it."""
    if not path.exists():
        raise UsageError(f"There is no folder or archive {path}.", "Check the path.")
    if path.is_file() and not path.name.endswith(ARCHIVES):
        raise UsageError(
            f"{path} is no encoder of texts.",
            f"Give its folder, or a .tar.gz or .zip of it, with {', '.join(ENCODER_FILES)}.",
        )
    if path.is_dir() and (missing := [name for name in ENCODER_FILES if not (path / name).is_file()]):
        raise UsageError(
            f"{path} has no {' and no '.join(missing)}.",
            f"An encoder of texts is a folder as Hugging Face stores it, with {', '.join(ENCODER_FILES)}.",
        )


def _transfer(found: Found, size: int) -> tuple[dict[str, Any], str]:
    """Return spec.training with pretrained weights, and why.

    FeatureExtraction ends in seconds, and on little data fine-tuning wins nothing over it; Auto is for those who have
    enough for both, and keeps the better of the two.
    """
    if found.fewest < ENOUGH_TO_TUNE and found.modality is not AUDIO:
        return {"strategy": "FeatureExtraction"}, (
            f"With {found.fewest} {found.modality.many} of the smallest class a new head on the frozen backbone "
            "generalises best."
        )
    if _too_many_to_tune(found, size):
        return {"strategy": "FeatureExtraction"}, (
            "A new head on the frozen backbone takes minutes; Auto, which fine-tunes, too, would want a GPU for that."
        )
    if found.modality is AUDIO:
        return {"strategy": "Auto"}, (
            "Spectrograms look little like what the backbone has seen: Auto tries a new head alone, then fine-tunes, "
            "and keeps the better."
        )
    return {"strategy": "Auto"}, (
        f"With {found.fewest} {found.modality.many} and more of each class the backbone can learn, too: Auto tries "
        "a new head alone, then fine-tunes, and keeps the better."
    )


def _too_many_to_tune(found: Found, size: int) -> bool:
    passes = max(LEAST_PASSES, LEAST_EPOCHS * found.samples)
    if found.modality is TEXT:
        return passes * (found.median.value if found.median else 0) > MOST_TUNED_CHARACTERS
    return passes * size * size > MOST_TUNED_PIXELS


def _from_scratch(found: Found, note: str | None) -> Chosen:
    side = found.median.value if found.median else SPECTROGRAM_SIZE
    size = next((size for below, size in SCRATCH_SIZES if side < below), LARGEST_SCRATCH)
    if found.modality is AUDIO:
        size = SPECTROGRAM_SIZE
    tuning = {
        "unfreeze": "All",
        "epochs": 20 if found.samples < 2_000 else 10,
        "learningRate": "3e-3",
        "batchSize": 16 if found.samples < 500 else 64,
    }
    why = "Random weights have nothing to extract: everything learns."
    return Chosen("scratch", None, size, {"strategy": "FineTuning", "fineTuning": tuning}, why, note)
