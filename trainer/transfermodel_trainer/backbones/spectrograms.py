"""A trunk of images as one of spectrograms: it must not forget when something sounded, and how high.

At its end a trunk of images averages over all places, for a cat is a cat wherever it sits. In a spectrogram the places
are time and pitch. So what a stage in the middle sees, on a grid of a few times and pitches, stands beside the features
of the end.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

import torch
from torch import Tensor, nn

from transfermodel_trainer.backbones.pooling import pooling_matrix
from transfermodel_trainer.backbones.trunk import Stages, Trunk

CHANNELS: Final = 1
LEAST_SIDE: Final = 8
"""In the last stage whose maps have so many places a side, pitches and times are still apart."""
GRIDS: Final = (4, 2)
"""Times, and pitches, of the grid: the first that keeps within the limit."""
MOST_FEATURES: Final = 4096
"""Of the grid: a head is solved in seconds."""


def of_spectrograms(trunk: Trunk) -> Trunk:
    """Return a trunk of images as one of spectrograms (N, 1, M, T)."""
    (image,) = trunk.example(1)
    stage, shape = _middle(trunk.module, trunk.stages, image)
    module = Spectral(trunk.module, image.shape[1], stage, shape)
    return replace(
        trunk,
        module=module,
        width=trunk.width + module.grid_width,
        example=lambda count: (torch.zeros(count, CHANNELS, trunk.size, trunk.size),),
    )


class Spectral(nn.Module):
    """Shows a module of images the one channel as all of theirs, and listens to one of its stages on the way."""

    rows: Tensor
    columns: Tensor

    def __init__(self, module: nn.Module, channels: int, stage: nn.Module | None, shape: tuple[int, ...]) -> None:
        """Listen to a stage whose maps have this shape, (C, H, W); None: the module has no such stage."""
        super().__init__()
        self.module, self.channels, self.grid_width = module, channels, 0
        self._seen: Tensor | None = None
        if stage is not None:
            depth, height, width = shape
            side = next((side for side in GRIDS if depth * side**2 <= MOST_FEATURES), GRIDS[-1])
            self.grid_width = depth * side**2
            self.register_buffer("rows", pooling_matrix(height, side), persistent=False)
            self.register_buffer("columns", pooling_matrix(width, side).T.contiguous(), persistent=False)
            stage.register_forward_hook(self._listen)

    def forward(self, spectrograms: Tensor) -> Tensor:
        """Return features (N, D) for spectrograms (N, 1, M, T): those of the end, then those of the grid."""
        end: Tensor = self.module(spectrograms.repeat(1, self.channels, 1, 1)).flatten(1)
        seen, self._seen = self._seen, None
        if seen is None:
            return end
        return torch.cat([end, (self.rows @ seen @ self.columns).flatten(1)], dim=1)

    def _listen(self, stage: nn.Module, arguments: tuple[Tensor, ...], output: Tensor) -> None:
        self._seen = output


def _middle(module: nn.Module, stages: Stages, image: Tensor) -> tuple[nn.Module | None, tuple[int, ...]]:
    """Return the last stage whose output is maps of at least 8 x 8 places, and their shape (C, H, W)."""
    shapes: dict[nn.Module, tuple[int, ...]] = {}
    ends = [stage[-1] for stage in stages]
    with _listening(ends, shapes), torch.inference_mode():
        training = module.training
        module.eval()(image)
        module.train(training)
    found = [end for end in ends if len(shapes.get(end, ())) == 3 and min(shapes[end][1:]) >= LEAST_SIDE]
    return (found[-1], shapes[found[-1]]) if found else (None, ())


@contextmanager
def _listening(ends: list[nn.Module], shapes: dict[nn.Module, tuple[int, ...]]) -> Iterator[None]:
    """Note the shape of what each module says, without the number of samples."""

    def note(end: nn.Module, arguments: tuple[Tensor, ...], output: object) -> None:
        if isinstance(output, Tensor):
            shapes[end] = tuple(output.shape[1:])

    handles = [end.register_forward_hook(note) for end in ends]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
