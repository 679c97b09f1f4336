"""Running a network over many images without learning: in float32, so that it says what the served graph says."""

from collections.abc import Callable

import torch
from torch import Tensor

from transfermodel_trainer.backbones.network import Network
from transfermodel_trainer.data.images import Images, Normalise, batches
from transfermodel_trainer.training.device import Device
from transfermodel_trainer.training.rows import Rows

PIXELS_PER_BATCH = 64 * 64 * 64
"""On the CPU: 64 images of 64 x 64, where batches stay in the caches; a GPU takes 32 times as many."""


def batch_size(size: int, device: Device) -> int:
    """Return how many images of size x size pixels to compute at a time."""
    return max(4, min(2048, PIXELS_PER_BATCH * (32 if device.cuda else 1) // (size * size)))


def _run(
    network: Network,
    function: Callable[[Tensor], Tensor],
    images: Images,
    normalise: Normalise,
    device: Device,
    flip: bool,
    rows: Rows,
    step: Callable[[float], None],
) -> Tensor:
    network.eval()
    with torch.inference_mode():
        for part in batches(len(images), batch_size(network.size, device)):
            if part.stop <= rows.count:
                continue  # an interrupted run computed it
            pixels = images.pixels[part]
            inputs = normalise(pixels.flip(-1) if flip else pixels)
            rows.add(function(inputs).float().cpu())
            step(part.stop / len(images))
    return rows.all().clone()


def compute_features(
    network: Network,
    images: Images,
    normalise: Normalise,
    device: Device,
    *,
    flip: bool = False,
    rows: Rows | None = None,
    step: Callable[[float], None] = lambda _: None,
) -> Tensor:
    """Return the trunk's features (N, D) float32 on the CPU, of the mirrored images with `flip`.

    They go into `rows`, after those that an interrupted run had computed.
    """
    return _run(network, network.features, images, normalise, device, flip, rows or Rows(), step)


def compute_logits(
    network: Network,
    images: Images,
    normalise: Normalise,
    device: Device,
    *,
    step: Callable[[float], None] = lambda _: None,
) -> Tensor:
    """Return logits (N, K) float32 on the CPU."""
    return _run(network, network, images, normalise, device, False, Rows(), step)
