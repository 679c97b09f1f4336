"""Names of an artifact's files."""

from typing import Final

MANIFEST: Final = "manifest.json"
MODEL: Final = "model.onnx"
INT8_MODEL: Final = "model.int8.onnx"
DESCRIPTION: Final = "model.json"
WEIGHTS: Final = "model.safetensors"
TOKENIZER: Final = "tokenizer.json"
METRICS: Final = "metrics.json"

SERVED: Final = (DESCRIPTION, MODEL)
"""All that the predictor reads of every model, besides the manifest."""
