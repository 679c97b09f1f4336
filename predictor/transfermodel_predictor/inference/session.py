"""ONNX Runtime, behind one call."""

from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray


class Session:
    """A loaded graph with one input and one output."""

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        """Keep the session and its names."""
        self._session = session
        self._input = session.get_inputs()[0].name
        self._output = session.get_outputs()[0].name

    def logits(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return float32 (N, K) for a preprocessed batch, float32 (N, 3, H, W). Thread-safe; frees the GIL."""
        (result,) = self._session.run([self._output], {self._input: batch})
        logits: NDArray[np.float32] = np.asarray(result, dtype=np.float32)
        return logits


def open_session(model: bytes | Path, threads: int) -> Session:
    """Load a graph for the CPU.

    Args:
        model: the graph, or its file.
        threads: that one inference may use.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = max(1, threads)
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Spinning threads would eat the CPU share of a pod that waits.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    source = model if isinstance(model, bytes) else str(model)
    return Session(onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"]))
