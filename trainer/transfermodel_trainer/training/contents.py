"""What a head is fitted to: every content once, however many copies of it there are, scaled and weighted."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from transfermodel_trainer.training.linear_head import Scaling

CHUNK = 1 << 22
"""Numbers that are worked on at a time."""
SIGNIFICANT = 1e-10
"""Of the largest squared singular value: what is less is rounding."""


@dataclass(frozen=True)
class Contents:
    """G contents under V views, and the N samples that have them; float64 where not said otherwise."""

    features: Tensor  # (V, G, D) float32
    classes: Tensor  # (N,) int64
    sample_weights: Tensor  # (N,)
    weights: Tensor  # (G,), summed over the samples that have the content
    order: Tensor  # (N,) int64: the samples by their content
    starts: Tensor  # (G + 1,) int64: where a content's samples begin in `order`
    eligible: Tensor  # (G,) bool: another content has the same class
    mean: Tensor  # (D,)
    scale: Tensor  # (D,)
    offset: Tensor  # (K,), the mean target

    @property
    def total(self) -> float:
        """The weight of all rows."""
        return float(self.weights.sum()) * len(self.features)

    def parts(self) -> Iterator[Tensor]:
        """Yield the contents, some at a time."""
        views, count, width = self.features.shape
        size = max(1, CHUNK // (views * max(width, len(self.offset))))
        yield from torch.arange(count).split(size)

    def judged(self, most: int) -> Tensor:
        """Return at most so many of the contents that can be judged, spread evenly."""
        able = self.eligible.nonzero().flatten()
        if len(able) <= most:
            return able
        return able[torch.linspace(0, len(able) - 1, max(1, most)).round().long()]

    def members(self, part: Tensor) -> tuple[Tensor, Tensor]:
        """Return the samples (M,) of some contents, and the position of each one's content among these, (M,)."""
        counts = self.starts[part + 1] - self.starts[part]
        position = torch.arange(len(part)).repeat_interleave(counts)
        before = (counts.cumsum(0) - counts)[position]
        return position, self.order[self.starts[part][position] + torch.arange(len(position)) - before]

    def standard(self, part: Tensor) -> Tensor:
        """Return rows (V, G, D) around 0."""
        return (self.features[:, part].double() - self.mean) * self.scale

    def project(self, part: Tensor, basis: Tensor) -> Tensor:
        """Return rows (V, G, R) on the basis (D, R)."""
        return self.standard(part) @ basis

    def decompose(self) -> tuple[Tensor, Tensor]:
        """Return the right singular vectors (D, R) of the weighted rows, and the squared singular values (R,)."""
        views, count, width = self.features.shape
        if views * count >= width:
            gram = torch.zeros(width, width, dtype=torch.float64)
            for part in self.parts():
                rows = self._weighted(part)
                gram.addmm_(rows.T, rows)
            values, basis = torch.linalg.eigh(gram)
            kept = self._significant(values)
            values, basis = values[kept], basis[:, kept]
        else:
            rows = self._weighted(torch.arange(count))
            values, left = torch.linalg.eigh(rows @ rows.T)
            kept = self._significant(values)
            values, left = values[kept], left[:, kept]
            basis = rows.T @ (left / values.sqrt())
        if not len(values):  # every feature is constant: all that can be learned is how frequent each class is
            return torch.zeros(width, 1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
        return basis, values

    def correlation(self, basis: Tensor) -> Tensor:
        """Return the weighted sum of targets times rows, (K, R); the offset adds nothing, as the rows have mean 0."""
        found = torch.zeros(len(self.offset), self.features.shape[2], dtype=torch.float64)
        for part in self.parts():
            position, samples = self.members(part)
            rows = self.standard(part).sum(0)[position]
            found.index_add_(0, self.classes[samples], rows * self.sample_weights[samples, None])
        return found @ basis

    def _weighted(self, part: Tensor) -> Tensor:
        rows = self.standard(part) * self.weights[part, None].sqrt()
        return rows.flatten(0, 1)

    def _significant(self, values: Tensor) -> Tensor:
        return values > values.max().clamp_min(0) * SIGNIFICANT


def contents_of(
    features: Tensor, classes: Tensor, count: int, digests: Sequence[str] | None, scaling: Scaling = "spread"
) -> Contents:
    """Gather the samples by content, and settle scale and weights.

    Each class weighs the same. Unless another scaling is asked for, features are divided by their deviation plus the
    mean deviation of all: the large ones say more, but none drowns the others.
    """
    numbers: dict[str, int] = {}
    group = (
        torch.arange(len(classes))
        if digests is None
        else torch.tensor([numbers.setdefault(digest, len(numbers)) for digest in digests])
    )
    order = torch.argsort(group, stable=True)
    size = torch.bincount(group)
    starts = torch.cat([torch.zeros(1, dtype=torch.long), size.cumsum(0)])
    if len(size) < len(classes):
        features = features[:, order[starts[:-1]]]
    per_class = torch.bincount(classes, minlength=count).double()
    sample_weights = (len(classes) / (per_class > 0).sum() / per_class)[classes]
    weights = torch.zeros(len(size), dtype=torch.float64).index_add_(0, group, sample_weights)
    mean, scale = _scaling(features, weights, scaling)
    offset = torch.zeros(count, dtype=torch.float64).index_add_(0, classes, sample_weights) / sample_weights.sum()
    return Contents(
        features, classes, sample_weights, weights, order, starts, _eligible(group, classes, count), mean, scale, offset
    )


def _eligible(group: Tensor, classes: Tensor, count: int) -> Tensor:
    """Return which contents (G,) share each of their classes with another content."""
    pairs = torch.unique(torch.stack([group, classes]), dim=1)
    known = torch.bincount(pairs[1], minlength=count) > 1
    lonely = torch.zeros(int(group.max()) + 1, dtype=torch.long).index_add_(0, pairs[0], (~known[pairs[1]]).long())
    return lonely == 0


def _scaling(features: Tensor, weights: Tensor, scaling: Scaling) -> tuple[Tensor, Tensor]:
    """Return mean and scale (D,) of the weighted rows, a part at a time."""
    views, count, width = features.shape
    share = (weights / weights.sum() / views)[:, None]
    parts = torch.arange(count).split(max(1, CHUNK // width))
    mean = sum((features[:, part] * share[part]).sum((0, 1)) for part in parts)
    variance = sum((((features[:, part] - mean) ** 2) * share[part]).sum((0, 1)) for part in parts)
    assert isinstance(mean, Tensor) and isinstance(variance, Tensor)  # noqa: S101, PT018 - there is a part
    deviation = variance.sqrt()
    spread = {
        "spread": deviation + deviation.mean(),
        "deviation": deviation,
        "none": torch.ones_like(deviation),
    }[scaling]
    constant = deviation <= 1e-6 * deviation.max()
    return mean, torch.where(constant, torch.zeros_like(spread), 1 / torch.where(constant, 1.0, spread))
