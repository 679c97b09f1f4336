"""The InferenceService's program: one classifier, read by URI, answering over HTTP."""

import os

__version__ = "0.1.0"
"""That of the distribution; in the image there is only the code."""

# Since 1.29 ONNX Runtime tells Microsoft of each model: names, hashes, how long it took; it reads this when it is
# imported (https://github.com/microsoft/onnxruntime/pull/27379). Models and their use are nobody else's business.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
