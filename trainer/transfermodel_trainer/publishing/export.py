"""From torch to one portable ONNX graph, and the proof that both say the same."""

import logging
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn
from transfermodel_operator.api import Reason
from transfermodel_predictor.inference.session import open_session

from transfermodel_trainer.errors import RunBroken

OPSET = 17
INPUT, OUTPUT = "images", "logits"
TOLERANCE = 1e-3
CHECKED_SAMPLES = 16
CHECKED_BATCHES = (1, 3)


def export_onnx(network: nn.Module, size: int, path: Path) -> bytes:
    """Write and return the network in eval mode as ONNX: `images` float32 (N, 3, size, size) -> `logits` (N, K), N free.

    By the TorchScript exporter: the newer one is slower, writes a second file and keeps the batch fixed for some.
    """
    network = network.to("cpu").to(memory_format=torch.contiguous_format).eval()
    # Two samples: with one, exporters may take a size of 1 for a constant.
    example = torch.zeros(2, 3, size, size)
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        torch.onnx.export(
            network,
            (example,),
            path,
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_axes={INPUT: {0: "batch"}, OUTPUT: {0: "batch"}},
            opset_version=OPSET,
            do_constant_folding=True,
            dynamo=False,
        )
    return path.read_bytes()


def check_export(model: bytes, network: nn.Module, inputs: Tensor, threads: int) -> None:
    """Raise ExportMismatch unless ONNX Runtime and torch agree to 1e-3 on up to 16 inputs, at batch 1 and 3.

    inputs: (N, 3, H, W) float32, preprocessed. Larger logits are compared relative to their size.
    """
    inputs = inputs[:CHECKED_SAMPLES].cpu().contiguous()
    with torch.inference_mode():
        expected = network.to("cpu").eval()(inputs)
    session = open_session(model, threads)
    scale = max(1.0, float(expected.abs().max()))
    for size in CHECKED_BATCHES:
        parts = [torch.from_numpy(session.logits(part.numpy())) for part in torch.split(inputs, size)]
        difference = float((torch.cat(parts) - expected).abs().max()) / scale
        if not difference <= TOLERANCE:
            raise RunBroken(
                Reason.EXPORT_MISMATCH,
                f"The exported ONNX model differs from the trained one by {difference:.2g} at batch {size} (allowed: {TOLERANCE:g}); "
                "nothing was published. Use another spec.backbone.name, and report this one.",
            )
