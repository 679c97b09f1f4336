"""Weights that are found and fetched. Knows no torch."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from transfermodel_predictor.artifact.description import Preprocessing


@dataclass(frozen=True)
class Pretrained:
    """Weights that were fetched, with what belongs to them."""

    weights: Path
    """A safetensors file."""
    reference: str
    """Their name or URI."""
    digest: str
    """sha256:… of what was fetched."""
    preprocessing: Preprocessing | None = None
    """What they were trained with, where that is known."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """Of the encoder's folder, such as its tokenizer: they become files of the artifact."""


@dataclass(frozen=True)
class Named:
    """Weights by a library's own name for them, before anything is fetched."""

    reference: str
    origin: str
    """Their address, for sentences."""
    bytes: int | None
    """What is downloaded, where the library says it."""
    cached: bool
    """Whether they are on this machine."""
    preprocessing: Preprocessing | None
    """What they were trained with, where that is known without them."""
    fetch: Callable[[], Pretrained]
    """Return them, from the cache or downloaded. Raises WeightsUnavailable."""
