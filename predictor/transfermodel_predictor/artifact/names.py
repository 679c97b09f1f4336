"""Names of an artifact's files, and what is kept of them in memory."""

from collections.abc import Mapping
from typing import Final, TypeAlias

Content: TypeAlias = bytes | memoryview
"""Of a file; a view is of what storage gave, without a copy of it."""

MANIFEST: Final = "manifest.json"
MODEL: Final = "model.onnx"
INT8_MODEL: Final = "model.int8.onnx"
DESCRIPTION: Final = "model.json"
WEIGHTS: Final = "model.safetensors"
TOKENIZER: Final = "tokenizer.json"
METRICS: Final = "metrics.json"

SERVED: Final = (DESCRIPTION, MODEL)
"""All that the predictor reads of every model, besides the manifest."""
GRAPHS: Final[Mapping[str, str]] = {"Float32": MODEL, "Int8": INT8_MODEL}
"""By what the network computes with."""


def served(precision: str) -> tuple[str, ...]:
    """Return what the predictor reads, besides the manifest, to compute with this precision."""
    return (DESCRIPTION, GRAPHS[precision])
