"""Defaults that suit the data: how large the input is, what learns, and where the weights come from."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from transfermodel.errors import UsageError
from transfermodel.starter.types import Found

BACKBONE: Final = "torchvision/resnet18"
WEIGHTS_HOST: Final = "https://download.pytorch.org/"
WEIGHTS_FILE: Final = "resnet18-IMAGENET1K_V1.safetensors"
"""In the trainer's cache."""
REACH_SECONDS: Final = 3.0
SIZES: Final = ((40, 64), (80, 96), (120, 128), (176, 160))
"""Images with a shorter side below the first are scaled to the second."""
NATIVE_SIZE: Final = 224
SCRATCH_SIZES: Final = ((40, 32), (80, 64))
LARGEST_SCRATCH: Final = 96
ENOUGH_TO_TUNE: Final = 200
"""Images of every class from which on fine-tuning is worth its time."""
MOST_TUNED_PIXELS: Final = 5_000 * 96 * 96
"""Of all images: a processor fine-tunes more only in hours."""

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
        weights: a .safetensors file to start from.
        scratch: start from random weights.
        base: a TransferModel to start from.

    Raises:
        UsageError: several starts were asked for, or the weights file is none.
    """
    if sum((weights is not None, scratch, base is not None)) > 1:
        raise UsageError("Only one of --weights, --scratch and --from can be the start.", "Leave out the others.")
    if base is not None:
        return Chosen("model", base, None, *_transfer(found, NATIVE_SIZE))
    if weights is not None:
        _check_weights(weights)
        size = size_of(found.side)
        return Chosen("file", str(weights), size, *_transfer(found, size))
    if scratch:
        return _from_scratch(found, None)
    if not named_weights_reachable():
        return _from_scratch(
            found,
            "torchvision's weights are not here and cannot be downloaded now, so the file trains from scratch. With "
            "pretrained weights it would need far fewer images: try again with network, or give --weights FILE.",
        )
    size = size_of(found.side)
    return Chosen("named", "DEFAULT", None if size == NATIVE_SIZE else size, *_transfer(found, size))


def size_of(side: int) -> int:
    """Return the input size for images of that side: small ones are enlarged, as the backbone shrinks them."""
    return next((size for below, size in SIZES if side < below), NATIVE_SIZE)


def named_weights_reachable() -> bool:
    """Tell whether torchvision's weights are in the trainer's cache, or their host answers."""
    import httpx

    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()) / "transfermodel"
    if (cache / WEIGHTS_FILE).is_file():
        return True
    try:
        httpx.head(WEIGHTS_HOST, timeout=REACH_SECONDS)
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


def _transfer(found: Found, size: int) -> tuple[dict[str, Any], str]:
    """Return spec.training with pretrained weights, and why."""
    if found.fewest < ENOUGH_TO_TUNE:
        return {"strategy": "FeatureExtraction"}, (
            f"With {found.fewest} images of the smallest class a new head on the frozen backbone generalises best."
        )
    if found.images * size * size > MOST_TUNED_PIXELS:
        return {"strategy": "FeatureExtraction"}, (
            "A new head on the frozen backbone takes minutes; fine-tuning so many pixels would want a GPU."
        )
    tuning = {"unfreeze": "LastStages", "stages": 1, "epochs": 3, "learningRate": "1e-3", "batchSize": 32}
    return {"strategy": "FineTuning", "fineTuning": tuning}, (
        f"With {found.fewest} images and more of each class the backbone's last stage can learn, too."
    )


def _from_scratch(found: Found, note: str | None) -> Chosen:
    size = next((size for below, size in SCRATCH_SIZES if found.side < below), LARGEST_SCRATCH)
    epochs = 20 if found.images < 2_000 else 10
    tuning = {
        "unfreeze": "All",
        "epochs": epochs,
        "learningRate": "3e-3",
        "batchSize": 16 if found.images < 500 else 64,
    }
    why = "Random weights have nothing to extract: everything learns."
    return Chosen("scratch", None, size, {"strategy": "FineTuning", "fineTuning": tuning}, why, note)
