"""Which device computes: the processor, unless a GPU was asked for and can be used.

Who asked for a GPU and did not get one is served all the same, slowly, and is told so: in the log, the model's
metadata and the metrics.
"""

import contextlib
import ctypes
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

DeviceName = Literal["cpu", "cuda"]

CPU_PROVIDER: Final = "CPUExecutionProvider"
CUDA_PROVIDER: Final = "CUDAExecutionProvider"
CUDA_OPTIONS: Final[Mapping[str, str]] = {
    # Of 32 bits, as what was measured when the model was made; TensorFloat-32 would keep ten of the mantissa's 23.
    "use_tf32": "0",
    # By default every size of a batch that was not seen before is timed with each algorithm there is, during a request.
    "cudnn_conv_algo_search": "HEURISTIC",
    # By default memory is doubled each time; other processes may share the GPU.
    "arena_extend_strategy": "kSameAsRequested",
}
FAILURE: Final = re.compile(r"\b(?:CUDA|CUDNN|CUBLAS)\w* failure \d+: [^;]*")
DRIVER: Final = "libcuda.so.1"


@dataclass(frozen=True)
class Device:
    """What a session computes on."""

    name: DeviceName
    warning: str | None = None
    """Why it is not the GPU that was asked for, and what to do: sentences. None: it is what was asked for."""

    @property
    def wanted(self) -> DeviceName:
        """Return what was asked for."""
        return "cpu" if self.name == "cpu" and self.warning is None else "cuda"


CPU: Final = Device("cpu")


def choose_device(gpu: bool, precision: str, providers: Sequence[str]) -> Device:
    """Return the device to try.

    Args:
        gpu: Whether a GPU was asked for.
        precision: Float32 or Int8.
        providers: Those that ONNX Runtime was built with, by its names for them.
    """
    if not gpu:
        return CPU
    if precision == "Int8":
        # ONNX Runtime has next to no CUDA kernels for 8-bit integers: it would copy between the two at each layer.
        return Device(
            "cpu",
            "A GPU was asked for, but 8-bit integers are computed by the processor: serving on the CPU. Set "
            "spec.serving.precision to Float32, or ask for no GPU.",
        )
    if CUDA_PROVIDER not in providers:
        return Device(
            "cpu",
            "A GPU was asked for, but this image's ONNX Runtime has no CUDA: serving on the CPU. Use the image "
            "predictor-gpu, or ask for no GPU.",
        )
    return Device("cuda")


def without_gpu(why: object) -> Device:
    """Return the processor, where a GPU was tried in vain; why: in the words of those who know."""
    text = " ".join(str(why).split())
    # ONNX Runtime's own words begin with file and function of its source, and end with the name of the host.
    known = FAILURE.search(text)
    words = (known.group() if known else text[-300:]).strip(" .")
    return Device(
        "cpu",
        f"A GPU was asked for, but cannot be used ({words}): serving on the CPU. Look at the node's driver and device "
        "plugin.",
    )


def providers_of(device: Device) -> list[str | tuple[str, dict[str, Any]]]:
    """Return ONNX Runtime's providers; the processor computes what the GPU has no kernel for."""
    return [(CUDA_PROVIDER, dict(CUDA_OPTIONS)), CPU_PROVIDER] if device.name == "cuda" else [CPU_PROVIDER]


def load_cuda() -> str | None:
    """Load CUDA's libraries from where pip puts them; return why no GPU can be used, or None where one may be.

    ONNX Runtime alone looks for them where the system keeps libraries. What is missing beyond the driver is not judged
    here: that it prints, and a part of it is not needed by every graph.
    """
    try:
        ctypes.CDLL(DRIVER)
    except OSError:
        return f"the container has no {DRIVER}: no NVIDIA driver reaches it"
    import onnxruntime

    # Stdout is not where the log goes.
    with contextlib.redirect_stdout(sys.stderr):
        onnxruntime.preload_dlls()
    return None
