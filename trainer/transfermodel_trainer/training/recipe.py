"""What of fine-tuning no field of the spec says: tried out once for everybody, or by a search for one's own data."""

from dataclasses import dataclass
from typing import Final, Literal

Optimizer = Literal["AdamW", "SGD"]


@dataclass(frozen=True)
class Recipe:
    """The rest of the settings; the defaults are those of a run without a search (docs/decisions/fine-tuning.md)."""

    trunk_rate: float = 0.3
    """Of the head's rate: what the last stage of a pretrained trunk learns by."""
    stage_decay: float = 0.7
    """Of the rate, from each stage to the one before it: the earlier, the more general is what it knows."""
    weight_decay: float = 0.05
    """AdamW's, of weights; biases and normalisations have none."""
    label_smoothing: float = 0.0
    """The part of each target that is spread over all classes (arXiv:1512.00567)."""
    augmentation: float = 1.0
    """How strong it is: 0 leaves samples as they are, but for mirroring; 1 is usual."""
    optimizer: Optimizer = "AdamW"
    """SGD has a momentum of 0.9."""
    zero_head: bool = False
    """The head begins with zeros, not solved: until it has learned, it asks little of the trunk."""


USUAL: Final = Recipe()
FEW_IMAGES: Final = Recipe(trunk_rate=1.0, stage_decay=1.0, weight_decay=0.0, optimizer="SGD", zero_head=True)
"""For a pretrained trunk and few images: the optimiser of BiT-HyperRule (arXiv:1912.11370), in smaller batches."""
