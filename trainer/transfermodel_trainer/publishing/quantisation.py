"""From a Float32 graph to one in 8-bit integers, by ONNX Runtime's quantisation.

Two methods. Static: weights and activations are integers, and what range each activation has is measured on samples:
for networks of convolutions. Dynamic: products of matrices are integers, and ranges are taken from each batch as it
comes: for transformers, a few channels of whose activations are far larger than the rest.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal

import onnx
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, MinMaxCalibrater, QDQQuantizer, QuantType, quantize_dynamic
from onnxruntime.quantization.quant_utils import add_pre_process_metadata
from transfermodel_predictor.inference.session import OUTPUT, session_options

Method = Literal["Static", "Dynamic"]
Feeds = Mapping[str, NDArray[Any]]

OPERATIONS: Final[Mapping[Method, tuple[str, ...]]] = {
    "Static": (
        "Conv",
        "Gemm",
        "MatMul",
        "Add",
        "Relu",
        "Clip",
        "Concat",
        "MaxPool",
        "AveragePool",
        "GlobalAveragePool",
    ),
    "Dynamic": ("MatMul", "Gemm"),
}
"""What becomes integers, but for the head: it is a thousandth of the work, and its output is what is answered."""
WITH_WEIGHTS_ALONE: Final = {"MatMulConstBOnly": True}
"""Of MatMul: attention multiplies two activations, which costs accuracy and gains nothing."""
WEIGHT_BITS: Final = 7
"""Processors without VNNI (most, before 2019) add two products in 16 bits, which eight times eight bits overflow: what
was measured here would not be what is served there."""


def method_of(graph: onnx.GraphProto) -> Method:
    """Return how a graph is quantised: transformers are known by their LayerNormalization."""
    return "Dynamic" if any(node.op_type == "LayerNormalization" for node in graph.node) else "Static"


def quantise(
    model: Path,
    samples: Iterable[Feeds],
    folder: Path,
    threads: int,
    *,
    method: Method | None = None,
    weight_bits: Literal[7, 8] = WEIGHT_BITS,
    signed_activations: bool = False,
) -> bytes:
    """Return a graph of the same inputs and outputs, most of it in 8-bit integers, in standard ONNX operators.

    Weights have a scale for each channel of the output.

    Args:
        model: the Float32 graph's file.
        samples: batches of the graph's inputs, by name, which the ranges of activations are measured on.
        folder: for temporary files.
        threads: to compute with.
        method: None: the one that suits the graph.
        weight_bits: 8 is no more accurate, and depends on the processor.
        signed_activations: of Static; on x86 their kernels are five times slower.

    Raises:
        Exception: ONNX Runtime cannot; its errors share no other base class.
    """
    plain, target = folder / "plain.onnx", folder / "int8.onnx"
    graph = simplified(model, plain, threads)
    head = [node.name for node in graph.graph.node if OUTPUT in node.output]
    method = method or method_of(graph.graph)
    if method == "Dynamic":
        quantize_dynamic(
            plain,
            target,
            op_types_to_quantize=list(OPERATIONS[method]),
            per_channel=True,
            reduce_range=weight_bits < 8,
            weight_type=QuantType.QInt8,
            # It makes a MatMul of a Gemm first.
            nodes_to_exclude=[*head, *(f"{name}_MatMul" for name in head)],
            extra_options=dict(WITH_WEIGHTS_ALONE),
        )
        return target.read_bytes()
    ranges = Ranges(plain, folder / "ranges.onnx", OPERATIONS[method], threads)
    ranges.collect_data(Reader(samples))
    quantiser = QDQQuantizer(
        graph,
        per_channel=True,
        reduce_range=weight_bits < 8,
        weight_qType=QuantType.QInt8,
        activation_qType=QuantType.QInt8 if signed_activations else QuantType.QUInt8,
        tensors_range=ranges.compute_data(),
        nodes_to_quantize=[],
        nodes_to_exclude=head,
        op_types_to_quantize=list(OPERATIONS[method]),
        extra_options=dict(WITH_WEIGHTS_ALONE),
    )
    quantiser.quantize_model()
    quantiser.model.save_model_to_file(target)
    return target.read_bytes()


def simplified(model: Path, target: Path, threads: int) -> onnx.ModelProto:
    """Return and write the graph with constants folded and shapes told.

    Weights that stand behind an Identity would not be recognised as such, nor activations of unknown shape.
    """
    options = session_options(threads)
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(target)
    onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    graph = onnx.shape_inference.infer_shapes(onnx.load(target))
    add_pre_process_metadata(graph)  # so that ONNX Runtime does not ask for it
    onnx.save(graph, target)
    return graph


class Ranges(MinMaxCalibrater):  # type: ignore[misc] # onnxruntime ships no types
    """The smallest and the largest value of each activation."""

    def __init__(self, model: Path, augmented: Path, operations: tuple[str, ...], threads: int) -> None:
        """Take a graph's file; write another one, whose outputs are the smallest and the largest values."""
        super().__init__(model, operations, str(augmented))
        self._threads = threads
        self.augment_graph()
        self.create_inference_session()

    def create_inference_session(self) -> None:
        """Make a session of as many threads as this process may use: the base class takes all of the machine's."""
        options = session_options(self._threads)
        # A fused operation would hide the values between its parts.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        self.infer_session = onnxruntime.InferenceSession(
            self.augmented_model_path, options, providers=["CPUExecutionProvider"]
        )


class Reader(CalibrationDataReader):  # type: ignore[misc] # onnxruntime ships no types
    """Batches as ONNX Runtime asks for them."""

    def __init__(self, samples: Iterable[Feeds]) -> None:
        """Take the batches."""
        self._samples: Iterator[Feeds] = iter(samples)

    def get_next(self) -> Feeds | None:
        """Return the next one, or None after the last."""
        return next(self._samples, None)
