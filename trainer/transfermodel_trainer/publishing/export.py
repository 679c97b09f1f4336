"""From torch to one portable ONNX graph, and the proof that both say the same."""

import contextlib
import logging
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, cast

import torch
from torch import Tensor, nn
from transfermodel_operator.api import Reason
from transfermodel_predictor.inference.session import open_session

from transfermodel_trainer.backbones.pooling import pooling_matrix
from transfermodel_trainer.data.samples import batches
from transfermodel_trainer.errors import RunBroken

OPSET = 17
OUTPUT = "logits"
BATCH_FREE: Final[Mapping[int, str]] = {0: "batch"}
TOLERANCE = 1e-3
CHECKED_SAMPLES = 16
CHECKED_BATCHES = (1, 3)
MASK: Final = "attention_mask"
NEWLINE: Final = "\n"


def export_onnx(
    network: nn.Module, example: Mapping[str, Tensor], path: Path, free_axes: Mapping[int, str] = BATCH_FREE
) -> bytes:
    """Write and return the network as ONNX: its arguments, by name, -> `logits` (N, K).

    example: the network's arguments for two samples: with one, exporters may take a size of 1 for a constant.
    free_axes: of the arguments: those of any size, with a name for each.

    By the TorchScript exporter: the newer one is slower, writes a second file and keeps the batch fixed for some.
    """
    network = network.to("cpu").to(memory_format=torch.contiguous_format).eval()
    arguments = tuple(example.values())
    with warnings.catch_warnings(), torch.no_grad(), _exportable():
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        try:
            torch.onnx.export(
                network,
                arguments,
                path,
                input_names=list(example),
                output_names=[OUTPUT],
                dynamic_axes={name: dict(free_axes) for name in example} | {OUTPUT: {0: "batch"}},
                opset_version=OPSET,
                do_constant_folding=True,
                dynamo=False,
            )
        except (RuntimeError, TypeError, ValueError) as error:  # the exporter's own errors are RuntimeErrors
            raise RunBroken(
                Reason.EXPORT_MISMATCH,
                f"The network cannot be exported to ONNX ({type(error).__name__}: {str(error).partition(NEWLINE)[0]}); "
                "nothing was published. Use another spec.backbone.name, and report this one.",
            ) from error
    return path.read_bytes()


@contextlib.contextmanager
def _exportable() -> Iterator[None]:
    """Let the exporter see operations that it knows, which compute the same.

    Adaptive pooling to more than one place (AlexNet, VGG) is exported for multiples only; attention must not take
    its fused path for inference.
    """
    functional: Any = nn.functional
    pool, fused = functional.adaptive_avg_pool2d, torch.backends.mha.get_fastpath_enabled()

    def pooled(images: Tensor, size: Any) -> Tensor:
        if size in (1, (1, 1)):
            return cast(Tensor, pool(images, size))
        height, width = nn.modules.utils._pair(size)
        rows = pooling_matrix(int(images.shape[-2]), height or int(images.shape[-2]))
        columns = pooling_matrix(int(images.shape[-1]), width or int(images.shape[-1]))
        return rows @ images @ columns.T

    functional.adaptive_avg_pool2d = pooled
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        functional.adaptive_avg_pool2d = pool
        torch.backends.mha.set_fastpath_enabled(fused)


def check_export(model: bytes, network: nn.Module, inputs: Mapping[str, Tensor], threads: int) -> None:
    """Raise ExportMismatch unless ONNX Runtime and torch agree to 1e-3 on up to 16 inputs, at batch 1 and 3.

    inputs: the network's arguments by their names in the graph, (N, …) each. Larger logits are compared relative to
    their size.
    """
    checked = {name: value[:CHECKED_SAMPLES].cpu().contiguous() for name, value in inputs.items()}
    with torch.inference_mode():
        expected = network.to("cpu").eval()(*checked.values())
    session = open_session(model, threads, tuple(inputs))
    scale = max(1.0, float(expected.abs().max()))
    for size in CHECKED_BATCHES:
        parts = [
            torch.from_numpy(session.logits({name: value.numpy() for name, value in _part(checked, part).items()}))
            for part in batches(len(expected), size)
        ]
        difference = float((torch.cat(parts) - expected).abs().max()) / scale
        if not difference <= TOLERANCE:
            raise RunBroken(
                Reason.EXPORT_MISMATCH,
                f"The exported ONNX model differs from the trained one by {difference:.2g} at batch {size} "
                f"(allowed: {TOLERANCE:g}); "
                "nothing was published. Use another spec.backbone.name, and report this one.",
            )


def _part(inputs: Mapping[str, Tensor], part: slice) -> dict[str, Tensor]:
    """Return some of the samples as serving feeds them: texts cut to the longest."""
    chosen = {name: value[part] for name, value in inputs.items()}
    if MASK not in chosen:
        return chosen
    longest = int(chosen[MASK].sum(1).max())
    return {name: value[:, :longest] for name, value in chosen.items()}
