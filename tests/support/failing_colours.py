"""The tiny model of colours, with a graph that fails on white images: alone, and all batches that have one."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tests.support.colours import SIZE

WHITE = (255, 255, 255)


def fails_on_white(size: int = SIZE) -> bytes:
    """Return ONNX: as `colour_model`; an index that is out of range where all of an image has the highest value."""
    constants = [
        numpy_helper.from_array(np.eye(3, dtype=np.float32) * 10, "weights"),
        numpy_helper.from_array(np.zeros(4, np.float32), "zeros"),
        numpy_helper.from_array(np.array(0.001, np.float32), "rounding"),
    ]
    graph = helper.make_graph(
        [
            helper.make_node("GlobalAveragePool", ["images"], ["pooled"]),
            helper.make_node("Flatten", ["pooled"], ["flat"]),
            # Normalised values go from -2 to 2: as indices of four zeros, 2 is fine, and so is -2; 4 is not.
            helper.make_node("ReduceMin", ["flat"], ["lowest_of_image"], axes=[1], keepdims=1),
            helper.make_node("Add", ["lowest_of_image", "lowest_of_image"], ["doubled"]),
            helper.make_node("Add", ["doubled", "rounding"], ["rounded"]),
            helper.make_node("Cast", ["rounded"], ["index"], to=TensorProto.INT64),
            helper.make_node("Gather", ["zeros", "index"], ["zero"]),
            helper.make_node("MatMul", ["flat", "weights"], ["product"]),
            helper.make_node("Add", ["product", "zero"], ["logits"]),
        ],
        "colours",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["batch", 3, size, size])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 3])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())
