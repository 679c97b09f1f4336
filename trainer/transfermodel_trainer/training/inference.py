"""Running a network over many samples without learning: in float32, so that it says what the served graph says."""

from collections.abc import Callable

import torch
from torch import Tensor

from transfermodel_trainer.backbones.network import Network
from transfermodel_trainer.data.samples import Samples, batches
from transfermodel_trainer.training.feeds import Feed
from transfermodel_trainer.training.rows import Rows


def _run(
    network: Network,
    function: Callable[..., Tensor],
    samples: Samples,
    feed: Feed,
    flip: bool,
    rows: Rows,
    step: Callable[[float], None],
) -> Tensor:
    network.eval()
    with torch.inference_mode():
        for part in batches(len(samples), feed.batch_size()):
            if part.stop <= rows.count:
                continue  # an interrupted run computed it
            chosen = samples.rows[part]
            inputs = feed(chosen.flip(-1) if flip else chosen)
            rows.add(function(*inputs).float().cpu())
            step(part.stop / len(samples))
    return rows.all().clone()


def compute_features(
    network: Network,
    samples: Samples,
    feed: Feed,
    *,
    flip: bool = False,
    rows: Rows | None = None,
    step: Callable[[float], None] = lambda _: None,
) -> Tensor:
    """Return the trunk's features (N, D) float32 on the CPU, of the mirrored images with `flip`.

    They go into `rows`, after those that an interrupted run had computed.
    """
    return _run(network, network.features, samples, feed, flip, rows or Rows(), step)


def compute_logits(
    network: Network,
    samples: Samples,
    feed: Feed,
    *,
    step: Callable[[float], None] = lambda _: None,
) -> Tensor:
    """Return logits (N, K) float32 on the CPU."""
    return _run(network, network, samples, feed, False, Rows(), step)
