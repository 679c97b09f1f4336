"""ONNX Runtime, as little of it as inference needs."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from transfermodel_predictor.artifact.errors import ArtifactMalformed
from transfermodel_predictor.artifact.names import MODEL, Content
from transfermodel_predictor.cpus import batch_scheduled
from transfermodel_predictor.inference.devices import (
    CPU,
    CUDA_PROVIDER,
    Device,
    load_cuda,
    providers_of,
    without_gpu,
)

OUTPUT: Final = "logits"


class Session:
    """One loaded graph; may be used from several threads at once."""

    def __init__(self, session: onnxruntime.InferenceSession, device: Device = CPU) -> None:
        """Wrap a session whose graph has our input and output; device: that it computes on."""
        self._session = session
        self.device = device
        shape = session.get_outputs()[0].shape
        self.classes: int | None = shape[1] if len(shape) == 2 and isinstance(shape[1], int) else None
        """K, where the graph says it."""

    def logits(self, feeds: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        """Return logits (N, K) for a batch, by the names of the graph's inputs; other threads run meanwhile."""
        (result,) = self._session.run([OUTPUT], dict(feeds))
        return np.asarray(result, np.float32)


def session_options(threads: int) -> onnxruntime.SessionOptions:
    """Return options for a session that says nothing; `threads` work on one operator."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = max(1, threads)
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return options


def open_session(
    model: Content | Path, threads: int, inputs: Sequence[str], name: str = MODEL, device: Device = CPU
) -> Session:
    """Load an ONNX graph with these inputs; onto the CPU where the device cannot be used, as the session's then says.

    Args:
        model: The graph, or its file.
        threads: How many work on one operator, on the CPU.
        inputs: Names of the inputs that the graph must have.
        name: Of the file, for messages.
        device: To compute on.

    Raises:
        ArtifactMalformed: It is no ONNX graph, or one of another signature.
    """
    options = session_options(threads)
    # Threads that spin between two requests burn the CPU that a neighbour pays for.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        # Its threads help those that call it; they inherit that they do not interrupt them, nor each other.
        with _source(model) as source, batch_scheduled():
            session, device = _on(device, source, options)
    except Exception as error:  # ONNX Runtime's errors share no base class but Exception
        raise ArtifactMalformed(f"{name} cannot be loaded: {error}. Train the model again.") from error
    # ONNX Runtime's wrapper keeps the file for a fallback between devices that there is none of here.
    session._model_bytes = None
    found = [entry.name for entry in session.get_inputs()]
    outputs = [entry.name for entry in session.get_outputs()]
    if found != list(inputs) or outputs != [OUTPUT]:
        raise ArtifactMalformed(
            f"{name} maps {found} to {outputs}, but {list(inputs)} to [{OUTPUT!r}] is needed. Train the model again."
        )
    return Session(session, device)


@contextmanager
def _source(model: Content | Path) -> Iterator[str | bytes]:
    """Give what ONNX Runtime is to open: a file in memory where there are such, as of bytes it makes one more copy."""
    if isinstance(model, Path):
        yield str(model)
    elif hasattr(os, "memfd_create"):
        with open(os.memfd_create("graph"), "wb") as file:
            file.write(model)
            file.flush()
            yield f"/proc/self/fd/{file.fileno()}"
    else:
        yield bytes(model)


def _on(
    device: Device, source: str | bytes, options: onnxruntime.SessionOptions
) -> tuple[onnxruntime.InferenceSession, Device]:
    """Return a session, and what it computes on: the processor where a GPU cannot be used."""
    if device.name == "cuda" and (why := load_cuda()) is not None:
        device = without_gpu(why)
    elif device.name == "cuda":
        try:
            # Its own fallback prints, and would open the graph a second time in the midst of a request.
            session = onnxruntime.InferenceSession(source, options, providers=providers_of(device), enable_fallback=0)
            if CUDA_PROVIDER in session.get_providers():
                return session, device
            device = without_gpu("ONNX Runtime cannot load its part for CUDA; it says why above")
        except Exception as error:  # ONNX Runtime's errors share no base class but Exception
            device = without_gpu(error)
    return onnxruntime.InferenceSession(source, options, providers=providers_of(device)), device
