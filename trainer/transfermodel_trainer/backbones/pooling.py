"""Average pooling to a fixed grid as two matrix products, which ONNX has for every size."""

import torch
from torch import Tensor


def pooling_matrix(source: int, target: int) -> Tensor:
    """Return (target, source): row i averages the inputs floor(i s / t) to ceil((i + 1) s / t).

    So does torch's adaptive average pooling, for s inputs and t outputs.
    """
    matrix = torch.zeros(target, source)
    for row in range(target):
        first, last = row * source // target, -(-(row + 1) * source // target)
        matrix[row, first:last] = 1 / (last - first)
    return matrix
